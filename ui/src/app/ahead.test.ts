// @vitest-environment happy-dom
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

const opened = (cause: string, params: object, search: object = {}) => ({ context: { cache: new QueryClient() }, params, location: { search }, cause });

const open = (cause: string, view?: string) => aheadOf.run(opened(cause, view ? { runId: "r1", view } : { runId: "r1" }));

describe("what a page asks ahead", () => {
  it("is asked at once, all beside each other", () => {
    open("enter", "timeline");
    expect(asked).toEqual(["/api/v1/runs/r1", "/api/v1/runs/r1/graph", "/api/v1/runs/r1/timeline?limit=5000"]);
  });

  it("is what the view of a pipeline is about, as its address says", () => {
    aheadOf.pipeline(opened("enter", { name: "p", view: "docs" }, { version: "v2" }));
    expect(asked).toEqual(["/api/v1/pipelines/p", "/api/v1/pipelines/p/graph?version=v2"]);
    asked.length = 0;
    aheadOf.pipeline(opened("enter", { name: "p" }));
    expect(asked).toEqual(["/api/v1/pipelines/p", "/api/v1/pipelines/p/grid?limit=100"]);
  });

  it("is the task run of a panel, unless the panel lists many", () => {
    aheadOf.run(opened("enter", { runId: "r1" }, { task: "t", panel: "logs" }));
    expect(asked).toContain("/api/v1/runs/r1/task?task=t");
    asked.length = 0;
    aheadOf.run(opened("enter", { runId: "r1" }, { task: "t" }));
    expect(asked).toEqual(["/api/v1/runs/r1", "/api/v1/runs/r1/graph"]);
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
