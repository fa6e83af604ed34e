import { QueryClient } from "@tanstack/react-query";
import { beforeEach, describe, expect, it } from "vitest";
import { LatestRuns } from "@/api/latest-runs";
import { applyFrame, applyRuns, matches, upsert, upsertRuns } from "@/api/patches";
import type { Frame } from "@/api/stream";
import type { Attention, Day, Page, PipelineSummary, Run, RunDetail } from "@/api/types";

function run(id: string, change: Partial<Run> = {}): Run {
  const created_us = Number(id.replace(/\D/g, "")) * 1_000;
  return {
    run_id: id,
    pipeline: "p",
    version: "v",
    state: "running",
    parameters: {},
    created_us,
    started_us: created_us,
    finished_us: 0,
    cancel_requested: false,
    actor: "",
    trigger: "manual",
    logical_us: 0,
    interval_start_us: 0,
    interval_end_us: 0,
    origin_run: "",
    backfill_id: "",
    priority: 0,
    error: null,
    reason: "",
    owner: "",
    tags: {},
    fact_seq: 1,
    ...change,
  };
}

const ids = (runs: readonly { run_id: string }[]) => runs.map(({ run_id }) => run_id);
const page = (...runs: Run[]): Page<Run> => ({ items: runs, next: null });
const frame = (kind: Frame["kind"], data: unknown[], topic = "home"): Frame => ({ topic, kind, data });

describe("upsert", () => {
  it("replaces rows by key where they stand, and appends new ones", () => {
    const rows = [{ key: "a", n: 1 }, { key: "b", n: 1 }];
    expect(upsert(rows, [{ key: "b", n: 2 }, { key: "c", n: 1 }], (row) => row.key)).toEqual([
      { key: "a", n: 1 },
      { key: "b", n: 2 },
      { key: "c", n: 1 },
    ]);
  });
});

describe("upsertRuns", () => {
  it("keeps the newest first", () => {
    expect(ids(upsertRuns([run("r2"), run("r1")], [run("r3")], {}))).toEqual(["r3", "r2", "r1"]);
  });

  it("lets a run leave that no longer fits, and one enter that does now", () => {
    const active = { state: ["running"] };
    const news = [run("r1", { state: "failed", fact_seq: 2 }), run("r4"), run("r5", { state: "succeeded" })];
    expect(ids(upsertRuns([run("r2"), run("r1")], news, active))).toEqual(["r4", "r2"]);
  });

  it("does not go back to an older row", () => {
    const [kept] = upsertRuns([run("r1", { state: "failed", fact_seq: 9 })], [run("r1", { fact_seq: 3 })], {});
    expect(kept?.state).toBe("failed");
  });
});

describe("matches", () => {
  it("judges what a run can be asked by itself", () => {
    const mine = run("abc7", { trigger: "schedule", created_us: 50 });
    expect(matches(mine, { pipeline: "p", state: ["running"], trigger: "schedule", from_us: 50, to_us: 51, search: "AB" })).toBe(true);
    expect(matches(mine, { pipeline: "q" })).toBe(false);
    expect(matches(mine, { state: ["failed"] })).toBe(false);
    expect(matches(mine, { from_us: 51 })).toBe(false);
    expect(matches(mine, { search: "zz" })).toBe(false);
  });
});

describe("applyFrame", () => {
  let cache: QueryClient;
  beforeEach(() => {
    cache = new QueryClient();
  });

  it("patches each list and page that shows the run", () => {
    cache.setQueryData(["runs", {}], page(run("r1")));
    cache.setQueryData(["run-pages", {}], { pages: [page(run("r1"))], pageParams: [""] });
    cache.setQueryData(["run", "r1"], { ...run("r1"), nodes: [], first_failures: [], late: false });
    cache.setQueryData(["pipelines", {}], { items: [{ name: "p", recent: [] } as unknown as PipelineSummary], next: null });
    cache.setQueryData(["day", 0, 10_000], { runs: [], ticks: [] });
    applyFrame(cache, frame("runs", [run("r1", { state: "succeeded", finished_us: 2_000, fact_seq: 2 })]));
    expect(cache.getQueryData<Page<Run>>(["runs", {}])?.items[0]?.state).toBe("succeeded");
    expect(cache.getQueryData<{ pages: Page<Run>[] }>(["run-pages", {}])?.pages[0]?.items[0]?.state).toBe("succeeded");
    expect(cache.getQueryData<RunDetail>(["run", "r1"])).toMatchObject({ state: "succeeded", late: false });
    expect(ids(cache.getQueryData<Page<PipelineSummary>>(["pipelines", {}])?.items[0]?.recent ?? [])).toEqual(["r1"]);
    expect(ids(cache.getQueryData<Day>(["day", 0, 10_000])?.runs ?? [])).toEqual(["r1"]);
  });

  it("leaves runs to pages that were not asked for yet", () => {
    const first = { items: [run("r9"), run("r8")], next: "more" };
    cache.setQueryData(["run-pages", {}], { pages: [first], pageParams: [""] });
    applyRuns(cache, [run("r3"), run("r10")]);
    expect(ids(cache.getQueryData<{ pages: Page<Run>[] }>(["run-pages", {}])?.pages[0]?.items ?? [])).toEqual(["r10", "r9", "r8"]);
  });

  it("takes the whole state of a topic from a reset, each row for what it says it is", () => {
    cache.setQueryData(["runs", {}], page());
    const ticket = { row: "attention", kind: "failed_run", title: "p failed" };
    applyFrame(cache, frame("reset", [{ row: "run", ...run("r1") }, ticket]));
    expect(ids(cache.getQueryData<Page<Run>>(["runs", {}])?.items ?? [])).toEqual(["r1"]);
    expect(cache.getQueryData<Page<Attention>>(["attention"])?.items).toEqual([{ kind: "failed_run", title: "p failed" }]);
  });

  const stale = (cache: QueryClient) =>
    cache
      .getQueryCache()
      .getAll()
      .filter((query) => query.state.isInvalidated)
      .map((query) => query.queryKey.join(":"));

  function withSchedules(): QueryClient {
    const fresh = new QueryClient();
    for (const key of [["upcoming", 8], ["pipelines", "x"], ["pipeline", "p"], ["pipeline", "q"], ["schedules", ""], ["schedules", "q"]])
      fresh.setQueryData(key, {});
    for (const key of [["ticks", "p/s"], ["ticks", "p/t"], ["schedule-preview", "p", "s"]]) fresh.setQueryData(key, {});
    return fresh;
  }

  it("asks again for what a decided tick changes, and no more", () => {
    const fresh = withSchedules();
    applyFrame(fresh, frame("ticks", [{ schedule: "p/s", outcome: "started" }]));
    expect(stale(fresh)).toEqual(["upcoming:8", "ticks:p/s", "schedule-preview:p:s"]);
  });

  it("asks again for schedules, and pipelines that have them, when one is paused or resumed elsewhere", () => {
    const fresh = withSchedules();
    applyFrame(fresh, frame("ticks", [{ schedule: "p/s", outcome: "planned", at_us: 0, reason: "paused" }]));
    expect(stale(fresh)).toEqual([
      "upcoming:8",
      "pipelines:x",
      "pipeline:p",
      "schedules:",
      "ticks:p/s",
      "schedule-preview:p:s",
    ]);
  });

  it("asks again for schedules after a reset of home, unless it just did", () => {
    const fresh = withSchedules();
    fresh.setQueryData(["pipeline", "q"], {}, { updatedAt: Date.now() - 60_000 });
    applyFrame(fresh, frame("reset", []));
    expect(stale(fresh)).toEqual(["pipeline:q"]);
  });

  it("replaces what needs a person as a whole", () => {
    cache.setQueryData(["attention"], { items: [{ title: "old" }], next: null });
    applyFrame(cache, frame("attention", []));
    expect(cache.getQueryData<Page<Attention>>(["attention"])?.items).toEqual([]);
  });
});

describe("LatestRuns", () => {
  it("puts what the stream said on top of an answer that was asked before", async () => {
    const cache = new QueryClient();
    const latest = new LatestRuns(cache);
    latest.saw(frame("runs", [run("r1", { state: "failed", fact_seq: 5 })]));
    await cache.fetchQuery({ queryKey: ["runs", {}], queryFn: () => page(run("r1", { fact_seq: 2 })) });
    expect(cache.getQueryData<Page<Run>>(["runs", {}])?.items[0]?.state).toBe("failed");
  });
});
