import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aheadOf } from "@/app/ahead";

const asked: string[] = [];

beforeEach(() => {
  asked.length = 0;
  vi.stubGlobal("fetch", (url: string) => {
    asked.push(url);
    return Promise.resolve(new Response("{}"));
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  window.history.replaceState(null, "", "/");
});

const open = (cause: string, view?: string) =>
  aheadOf.run({ context: { cache: new QueryClient() }, params: view ? { runId: "r1", view } : { runId: "r1" }, cause });

describe("what a page asks ahead", () => {
  it("is asked at once, all beside each other", () => {
    open("enter", "timeline");
    expect(asked).toEqual(["/api/v1/runs/r1", "/api/v1/runs/r1/graph", "/api/v1/runs/r1/timeline?limit=5000"]);
  });

  it("waits until a link is followed", () => {
    open("preload");
    expect(asked).toEqual([]);
  });

  it("waits for the session that a key in the address is traded for", () => {
    window.history.replaceState(null, "", "/runs/r1?key=abc");
    open("enter");
    expect(asked).toEqual([]);
  });
});
