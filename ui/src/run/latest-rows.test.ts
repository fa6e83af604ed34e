import { QueryClient, type InfiniteData } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";
import { LatestRows } from "@/run/latest-rows";
import type { RunDetail, TaskPage, TaskRun, Timeline } from "@/run/types";

const task = (state: TaskRun["state"], name = "a"): TaskRun => ({
  task: name,
  index: [],
  state,
  attempt: 1,
  retries: 0,
  ready_us: 1,
  dispatched_us: 2,
  started_us: 3,
  finished_us: state === "running" ? 0 : 9,
  due_us: 0,
  worker: "w",
  error: null,
  reason: "",
  result_kind: "",
  progress: null,
  size: -1,
});

const timeline = (state: TaskRun["state"], fact_seq = 0): Timeline => ({
  fact_seq,
  critical_path: [],
  bars: [{ ...task(state), critical: false, count: 1 }],
});

/** A query whose answer comes when it is told to. */
function asked<T>(cache: QueryClient, queryKey: unknown[]): { answer: (data: T) => Promise<unknown> } {
  let settle: (data: T) => void = () => undefined;
  const queryFn = () => new Promise<T>((resolve) => (settle = resolve));
  const fetched = cache.fetchQuery({ queryKey, queryFn });
  return {
    answer: (data) => {
      settle(data);
      return fetched;
    },
  };
}

describe("an answer that was on its way", () => {
  const patch = (state: TaskRun["state"]) => ({ topic: "run:r", kind: "tasks" as const, data: [task(state)] });

  it("is followed by the rows that came before it", async () => {
    const cache = new QueryClient();
    const latest = new LatestRows(cache, "r");
    latest.follow();
    const question = asked<Timeline>(cache, ["run-timeline", "r"]);
    latest.saw(patch("failed"));
    await question.answer(timeline("running"));
    expect(cache.getQueryData<Timeline>(["run-timeline", "r"])?.bars[0]?.state).toBe("failed");
  });

  it("shows the failures that it does not know yet", async () => {
    const cache = new QueryClient();
    const latest = new LatestRows(cache, "r");
    latest.follow();
    const question = asked<RunDetail>(cache, ["run", "r"]);
    latest.saw(patch("failed"));
    await question.answer({ run_id: "r", nodes: [], first_failures: [] } as unknown as RunDetail);
    expect(cache.getQueryData<RunDetail>(["run", "r"])?.first_failures.map((row) => row.task)).toEqual(["a"]);
  });

  it("is not set back where it is newer than the rows", async () => {
    const cache = new QueryClient();
    const latest = new LatestRows(cache, "r");
    latest.follow();
    const bars = asked<Timeline>(cache, ["run-timeline", "r"]);
    const key = ["run-tasks", "r", {}];
    const rows = asked<InfiniteData<TaskPage>>(cache, key);
    latest.saw(patch("running"));
    await bars.answer(timeline("succeeded"));
    await rows.answer({ pageParams: [""], pages: [{ items: [task("succeeded")], next: null }] });
    expect(cache.getQueryData<Timeline>(["run-timeline", "r"])?.bars[0]?.state).toBe("succeeded");
    expect(cache.getQueryData<InfiniteData<TaskPage>>(key)?.pages[0]?.items[0]?.state).toBe("succeeded");
  });

  it("keeps the causes of an error, which rows do not carry", async () => {
    const cache = new QueryClient();
    const latest = new LatestRows(cache, "r");
    latest.follow();
    const key = ["task", "r", "a", ""];
    const question = asked<unknown>(cache, key);
    latest.saw(patch("failed"));
    await question.answer({ ...task("failed"), error: { type: "ValueError", traceback: "in a" }, metrics: [] });
    expect(cache.getQueryData<{ error: { traceback: string } }>(key)?.error.traceback).toBe("in a");
  });

  it("of another run is left alone", async () => {
    const cache = new QueryClient();
    const latest = new LatestRows(cache, "r");
    const stop = latest.follow();
    latest.saw(patch("failed"));
    await asked<Timeline>(cache, ["run-timeline", "s"]).answer(timeline("running"));
    stop();
    await asked<Timeline>(cache, ["run-timeline", "r"]).answer(timeline("running"));
    expect(cache.getQueryData<Timeline>(["run-timeline", "s"])?.bars[0]?.state).toBe("running");
    expect(cache.getQueryData<Timeline>(["run-timeline", "r"])?.bars[0]?.state).toBe("running");
  });
});

describe("a stream that begins where the answer about the run ended", () => {
  const told = { seq: 7, at_ms: 1_000 };
  const isOld = (cache: QueryClient, key: unknown[]) => cache.getQueryState(key)?.isInvalidated;

  it("asks again for bars that were read before it, and not for those that know as much", () => {
    for (const [fact_seq, old] of [
      [6, true],
      [7, false],
    ] as const) {
      const cache = new QueryClient();
      cache.setQueryData(["run-timeline", "r"], timeline("running", fact_seq));
      new LatestRows(cache, "r").begin(told);
      expect(isOld(cache, ["run-timeline", "r"])).toBe(old);
    }
  });

  it("asks again for bars that come later and are older", async () => {
    const cache = new QueryClient();
    const latest = new LatestRows(cache, "r");
    latest.follow();
    latest.begin(told);
    const question = asked<Timeline>(cache, ["run-timeline", "r"]);
    await question.answer(timeline("running", 6));
    expect(isOld(cache, ["run-timeline", "r"])).toBe(true);
  });

  it("asks again for lists of a visit before, once", () => {
    const cache = new QueryClient();
    const latest = new LatestRows(cache, "r");
    cache.setQueryData(["task", "r", "a", ""], task("running"), { updatedAt: 999 });
    cache.setQueryData(["task", "r", "b", ""], task("running"), { updatedAt: 1_001 });
    cache.setQueryData(["task", "other", "a", ""], task("running"), { updatedAt: 999 });
    latest.begin(told);
    latest.begin({ seq: 9, at_ms: 2_000 });
    expect([isOld(cache, ["task", "r", "a", ""]), isOld(cache, ["task", "r", "b", ""])]).toEqual([true, false]);
    expect(isOld(cache, ["task", "other", "a", ""])).toBe(false);
  });
});
