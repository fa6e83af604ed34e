// @vitest-environment happy-dom
import { readFileSync } from "node:fs";
import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { get } from "@/api/client";
import { early, forgetEarly } from "@/api/early";
import { aheadOf } from "@/app/ahead";

const script = readFileSync("public/early.js", "utf8");
let asked: string[] = [];

beforeEach(() => {
  asked = [];
  vi.stubGlobal("fetch", (url: string) => {
    asked.push(url);
    return Promise.resolve(new Response(JSON.stringify({ of: url })));
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  forgetEarly();
  window.history.replaceState(null, "", "/");
});

function open(path: string): string[] {
  window.history.replaceState(null, "", path);
  new Function(script)();
  return [...asked];
}

type Loader = keyof typeof aheadOf;

/** What the page itself asks first. */
function asksOf(loader: Loader, params: object): Set<string> {
  asked = [];
  const opened = { context: { cache: new QueryClient() }, params, location: { search: {} }, cause: "enter" };
  forgetEarly();
  aheadOf.all(opened);
  aheadOf[loader](opened);
  return new Set(asked);
}

describe("what is asked early", () => {
  it.each<[string, Loader, object]>([
    ["/", "home", {}],
    ["/pipelines", "pipelines", {}],
    ["/pipelines/p", "pipeline", { name: "p" }],
    ["/pipelines/p/grid", "pipeline", { name: "p", view: "grid" }],
    ["/pipelines/p/graph", "pipeline", { name: "p", view: "graph" }],
    ["/pipelines/a%20b/docs", "pipeline", { name: "a b", view: "docs" }],
    ["/runs", "runs", {}],
    ["/runs/r", "run", { runId: "r" }],
    ["/runs/r/timeline", "run", { runId: "r", view: "timeline" }],
    ["/assets", "assets", {}],
    ["/pools", "pools", {}],
    ["/system", "system", {}],
  ])("at %s is what the page asks", (path, loader, params) => {
    const first = open(path);
    expect(first).toContain("/api/v1/session");
    const all = asksOf(loader, params);
    expect(first.filter((url) => !all.has(url))).toEqual([]);
  });

  it("is not asked again, and holds once", async () => {
    open("/pools");
    asked = [];
    expect(await get("/pools")).toEqual({ of: "/api/v1/pools" });
    expect(asked).toEqual([]);
    await get("/pools");
    expect(asked).toEqual(["/api/v1/pools"]);
  });

  it("is forgotten once the page has begun", () => {
    open("/pools");
    forgetEarly();
    expect(early("/api/v1/pools")).toBeUndefined();
  });

  it("waits for the session that a key in the address is traded for", () => {
    expect(open("/pools?key=abc")).toEqual([]);
  });
});
