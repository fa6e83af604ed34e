import { QueryClient } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";
import { withRuns, type PatchedGrid } from "@/api/grid-patches";
import { LatestRuns } from "@/api/latest-runs";
import type { GridRun, Run } from "@/api/types";

const column = (run_id: string, created_us: number, change: Partial<GridRun> = {}): GridRun => ({
  run_id,
  state: "succeeded",
  created_us,
  started_us: created_us,
  finished_us: created_us + 1,
  version: "v1",
  trigger: "manual",
  logical_us: created_us,
  cells: "s",
  ...change,
});
const run = (run_id: string, created_us: number, change: Partial<Run> = {}) =>
  ({ ...column(run_id, created_us), pipeline: "p", fact_seq: 1, ...change }) as unknown as Run;
const grid = (...runs: GridRun[]): PatchedGrid => ({
  tasks: [{ id: "t", label: "t", group: "", depth: 0, kind: "task" }],
  runs,
  next: null,
});
const live = { state: "running", finished_us: 0 } as const;

describe("withRuns", () => {
  it("lets new runs enter, behind until somebody tells their cells, and older ones not", () => {
    const patched = withRuns(grid(column("r3", 3)), [run("r4", 4, live), run("r5", 5), run("r0", 0)]);
    expect(patched.runs.map((each) => [each.run_id, each.state, each.cells, each.isBehind])).toEqual([
      ["r5", "succeeded", ".", true],
      ["r4", "running", ".", true],
      ["r3", "succeeded", "s", undefined],
    ]);
  });

  it("is behind with a run that ended since its cells were told", () => {
    const patched = withRuns(grid(column("r3", 3, { ...live, cells: "R" })), [run("r3", 3, { state: "failed" })]);
    expect(patched.runs[0]).toMatchObject({ state: "failed", cells: "R", isBehind: true });
  });

  it("believes no older word of a run that has ended", () => {
    const before = grid(column("r3", 3));
    expect(withRuns(before, [run("r3", 3, live)])).toEqual(before);
  });
});

describe("an answer that was on its way", () => {
  it("gets the columns that the stream told meanwhile", async () => {
    const cache = new QueryClient();
    const latest = new LatestRuns(cache);
    let answer = (_: PatchedGrid): void => undefined;
    const fetched = cache.fetchInfiniteQuery({
      queryKey: ["pipeline-grid", "p"],
      queryFn: () => new Promise<PatchedGrid>((resolve) => (answer = resolve)),
      initialPageParam: "",
    });
    latest.saw({ topic: "home", kind: "runs", data: [run("r4", 4), run("q1", 5, { pipeline: "q" })] });
    await Promise.resolve();
    answer(grid(column("r3", 3)));
    await fetched;
    const data = cache.getQueryData<{ pages: PatchedGrid[] }>(["pipeline-grid", "p"]);
    expect(data?.pages[0]?.runs.map((each) => each.run_id)).toEqual(["r4", "r3"]);
    cache.clear();
  });
});
