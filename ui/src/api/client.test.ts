// @vitest-environment happy-dom
import { afterEach, describe, expect, it, vi } from "vitest";
import { address, get, post, worthRetrying } from "@/api/client";
import { asProblem, Problem } from "@/api/problem";

afterEach(() => vi.unstubAllGlobals());

function answer(status: number, body: unknown, type = "application/problem+json") {
  const fetched = vi.fn((_url: string, _init: RequestInit) =>
    Promise.resolve(new Response(JSON.stringify(body), { status, headers: { "content-type": type } })),
  );
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

describe("address", () => {
  it("leaves empty values out and repeats lists", () => {
    expect(address("/runs", { state: ["failed", "running"], search: "", pipeline: undefined, limit: 5 })).toBe(
      "/api/v1/runs?state=failed&state=running&limit=5",
    );
  });
});

describe("requests", () => {
  it("mark writes, so that no other site can make them, and give each a key", async () => {
    const fetched = answer(200, {}, "application/json");
    await post("/runs/1/cancel", { reason: "x" }, "key-1");
    const init = fetched.mock.calls[0]?.[1];
    expect(init?.headers).toMatchObject({ "X-Toque": "1", "Idempotency-Key": "key-1" });
    expect(init?.body).toBe('{"reason":"x"}');
  });

  it("tell what the server said, and its fix", async () => {
    answer(422, { title: "Bad", detail: "count is no number", fix: "-p count=3", errors: [{ field: "count", message: "not a number" }] });
    const problem = asProblem(await get("/x").catch((error: unknown) => error));
    expect(problem).toMatchObject({ status: 422, message: "count is no number", fix: "-p count=3" });
    expect(problem.errors).toEqual([{ field: "count", message: "not a number" }]);
  });

  it("say so when nothing answers", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("failed to fetch")));
    const problem = asProblem(await get("/x").catch((error: unknown) => error));
    expect(problem.status).toBe(0);
    expect(problem.fix).toContain("toque dev");
  });

  it("survive an answer that is no problem document", async () => {
    answer(502, "<html>", "text/html");
    expect(asProblem(await get("/x").catch((error: unknown) => error)).status).toBe(502);
  });
});

describe("worthRetrying", () => {
  it("asks again when nobody answered, never when the answer was no", () => {
    expect(worthRetrying(0, new Problem(0, "", ""))).toBe(true);
    expect(worthRetrying(0, new Problem(503, "", ""))).toBe(true);
    expect(worthRetrying(0, new Problem(404, "", ""))).toBe(false);
    expect(worthRetrying(3, new Problem(503, "", ""))).toBe(false);
  });
});
