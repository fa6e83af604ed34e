import { QueryClient } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";
import { rowsOf } from "@/api/patches";
import { applyRunFrame, withSignal, withSteps } from "@/run/live";
import type { Graph, RunDetail, TaskPage, TaskRun, TaskRunDetail, Timeline } from "@/run/types";
import type { InfiniteData } from "@tanstack/react-query";

const task = (name: string, state: TaskRun["state"], index: number[] = []): TaskRun => ({
  task: name,
  index,
  state,
  attempt: 1,
  retries: 0,
  ready_us: 1,
  dispatched_us: 2,
  started_us: 3,
  finished_us: state === "succeeded" ? 9 : 0,
  due_us: 0,
  worker: "w",
  error: null,
  reason: "",
  result_kind: "",
  progress: null,
  size: -1,
});

describe("a frame of a run's stream", () => {
  it("moves bars and rows that are known, and leaves pages that were not asked for alone", () => {
    const cache = new QueryClient();
    cache.setQueryData<Timeline>(["run-timeline", "r"], {
      fact_seq: 0,
      critical_path: [],
      bars: [
        {
          task: "a",
          index: [],
          state: "running",
          ready_us: 1,
          started_us: 3,
          finished_us: 0,
          critical: true,
          count: 1,
        },
      ],
    });
    const key = ["run-tasks", "r", { task: "m" }];
    cache.setQueryData<InfiniteData<TaskPage>>(key, {
      pageParams: [""],
      pages: [{ items: [task("m", "running", [1])], next: "x" }],
    });
    applyRunFrame(cache, "r", {
      topic: "run:r",
      kind: "tasks",
      data: [task("a", "succeeded"), task("m", "succeeded", [1]), task("m", "running", [2])],
    });
    expect(
      cache.getQueryData<Timeline>(["run-timeline", "r"])?.bars.map((bar) => [bar.task, bar.state, bar.critical]),
    ).toEqual([["a", "succeeded", true]]);
    expect(cache.getQueryData<InfiniteData<TaskPage>>(key)?.pages[0]?.items.map((row) => row.state)).toEqual([
      "succeeded",
    ]);
  });

  it("moves the counters of nodes, by a row as by a reset, on the run and on its folded bars at once", () => {
    const cache = new QueryClient();
    const node = (finished_us: number) => ({ task: "m", counts: { succeeded: 4 }, total: 4, size: 4, started_us: 3, finished_us });
    const bar = { ...task("m", "running"), count: 4, critical: false };
    cache.setQueryData(["run", "r"], { run_id: "r", nodes: [node(0)], first_failures: [] });
    cache.setQueryData(["run-timeline", "r"], { critical_path: [], bars: [bar] });
    const ends = () => [
      cache.getQueryData<RunDetail>(["run", "r"])?.nodes[0]?.finished_us,
      cache.getQueryData<Timeline>(["run-timeline", "r"])?.bars[0]?.finished_us,
    ];
    applyRunFrame(cache, "r", { topic: "run:r", kind: "nodes", data: [node(7)] });
    expect(ends()).toEqual([7, 7]);
    applyRunFrame(cache, "r", { topic: "run:r", kind: "reset", data: [{ row: "node", ...node(9) }] });
    expect(ends()).toEqual([9, 9]);
  });

  it("takes ends from the nodes of a reset, and asks for the rows that they contradict", () => {
    const cache = new QueryClient();
    const node = (name: string, state: string) => ({ row: "node", task: name, counts: { [state]: 1 }, total: 1, size: -1, started_us: 3, finished_us: 9 });
    const names = ["a", "b"];
    const key = ["run-tasks", "r", {}];
    cache.setQueryData(["run-timeline", "r"], { critical_path: [], bars: names.map((name) => ({ ...task(name, "running"), critical: false, count: 1 })) });
    cache.setQueryData(key, { pageParams: [""], pages: [{ items: [task("b", "running")], next: null }] });
    for (const name of names) cache.setQueryData(["task", "r", name, ""], { ...task(name, "running"), attempts: [] });
    const isOld = (queryKey: unknown[]) => cache.getQueryState(queryKey)?.isInvalidated;
    applyRunFrame(cache, "r", { topic: "run:r", kind: "reset", data: [node("a", "succeeded"), node("b", "retrying")] });
    expect(cache.getQueryData<Timeline>(["run-timeline", "r"])?.bars.map((bar) => [bar.state, bar.finished_us])).toEqual([
      ["succeeded", 9],
      ["running", 0],
    ]);
    expect([isOld(key), isOld(["task", "r", "a", ""]), isOld(["task", "r", "b", ""])]).toEqual([false, true, false]);
    applyRunFrame(cache, "r", { topic: "run:r", kind: "reset", data: [node("b", "failed")] });
    expect([isOld(key), isOld(["task", "r", "b", ""])]).toEqual([true, true]);
  });

  it("asks for a task run again only when it has ended", () => {
    const cache = new QueryClient();
    const key = ["task", "r", "a", ""];
    const stale = () => cache.getQueryState(key)?.isInvalidated;
    cache.setQueryData(key, { ...task("a", "running"), attempts: [] });
    applyRunFrame(cache, "r", { topic: "run:r", kind: "tasks", data: [task("a", "running")] });
    expect(stale()).toBe(false);
    applyRunFrame(cache, "r", { topic: "run:r", kind: "tasks", data: [task("a", "succeeded")] });
    expect(stale()).toBe(true);
  });

  it("unfolds a flow", () => {
    const graph = { pipeline: "p", version: "v", nodes: [], edges: [], groups: [] } satisfies Graph;
    const once = withSteps(graph, [{ task: "crawl/page", body: "crawl" }]);
    expect(once.nodes.map((node) => [node.id, node.label, node.group, node.kind])).toEqual([
      ["crawl/page", "page", "crawl", "step"],
    ]);
    expect(withSteps(once, [{ task: "crawl/page", body: "crawl" }])).toBe(once);
  });

  it("carries progress and metrics to the panel", () => {
    const detail = {
      ...task("a", "running"),
      metrics: [{ name: "rows", points: [[1, 5]] }],
    } as unknown as TaskRunDetail;
    expect(withSignal(detail, { signal: "progress", task: "a", index: [], done: 2, total: null }).progress).toEqual({
      done: 2,
      total: null,
    });
    const rows = withSignal(detail, { signal: "metric", task: "a", index: [], name: "rows", value: 7 }).metrics[0];
    expect(rows?.points.map(([, value]) => value)).toEqual([5, 7]);
    expect(withSignal(detail, { signal: "metric", task: "a", index: [], name: "loss", value: 1 }).metrics).toHaveLength(
      2,
    );
  });

  it("reads a reset by what each row says it is", () => {
    expect(rowsOf([{ row: "node", task: "a" }, { row: "task" }], "node")).toEqual([{ task: "a" }]);
  });
});
