import { describe, expect, it } from "vitest";
import type { Connection } from "@/api/types";
import { draftOf, tomlOf, WRITTEN } from "@/connections/toml";

describe("tomlOf", () => {
  it("writes a table as a person would", () => {
    const options = {
      url: 'https://a.example/"x"',
      port: 443,
      tls: true,
      to: ["a", "b"],
      password: { secret: "env:KEY" },
      headers: { "X-Team": "data", "a b": 1 },
      left: undefined,
    };
    expect(tomlOf({ name: "shop", type: "http", slots: 4, options })).toEqual([
      "[connections.shop]",
      'type = "http"',
      'url = "https://a.example/\\"x\\""',
      "port = 443",
      "tls = true",
      'to = ["a", "b"]',
      'password = { secret = "env:KEY" }',
      'headers = { X-Team = "data", "a b" = 1 }',
      "slots = 4",
    ]);
  });

  it("names what only the file has, and quotes a name that needs it", () => {
    expect(tomlOf({ name: "my shop", type: "file", slots: null, options: {}, kept: ["token"] })).toEqual([
      '[connections."my shop"]',
      'type = "file"',
      "# token: as it is written there",
    ]);
  });
});

describe("draftOf", () => {
  it("puts the tables of a declared connection together again, and never what is secret", () => {
    const option = (name: string, value: unknown, secret = "") => ({ name, value, secret, resolves: true });
    const declared = {
      name: "crm",
      type: "http",
      slots: 2,
      options: [
        option("url", "u"),
        option("headers.X-Team", "data"),
        option("headers.X-More", "1"),
        option("auth.auth", "bearer"),
        option("auth.token", null, "env:TOKEN"),
        option("password", null, WRITTEN),
        option("db", "postgresql://ana:***@host/db"),
      ],
    } as unknown as Connection;
    expect(draftOf(declared)).toEqual({
      name: "crm",
      type: "http",
      slots: 2,
      options: {
        url: "u",
        headers: { "X-Team": "data", "X-More": "1" },
        auth: { auth: "bearer", token: { secret: "env:TOKEN" } },
      },
      kept: ["password", "db"],
    });
  });
});
