/** The grid of a pipeline with what the stream says of its runs: columns enter and end, whether or not somebody looks. */

import type { Grid, GridRun, Run } from "@/api/types";

export type PatchedRun = GridRun & {
  /** Whether its cells may be older than the column: the stream's topic of the run has not told them yet. */
  isBehind?: boolean;
};

export type PatchedGrid = Omit<Grid, "runs"> & { runs: PatchedRun[] };

/** The first page with these runs: new ones enter at the front. One that has ended never goes on. */
export function withRuns(grid: PatchedGrid, runs: readonly Run[]): PatchedGrid {
  const news = new Map(runs.map((run) => [run.run_id, run]));
  const known = grid.runs.map((column) => {
    const run = news.get(column.run_id);
    news.delete(column.run_id);
    if (!run || column.finished_us > 0) return column;
    return { ...column, ...bar(run), isBehind: column.isBehind === true || run.finished_us > 0 };
  });
  const newest = grid.runs[0]?.created_us ?? 0;
  const entering = [...news.values()].filter((run) => run.created_us >= newest);
  entering.sort((a, b) => b.created_us - a.created_us);
  const blank = ".".repeat(grid.tasks.length);
  const columns = entering.map((run) => ({ run_id: run.run_id, ...bar(run), cells: blank, isBehind: true }));
  return { ...grid, runs: [...columns, ...known] };
}

function bar(run: Run): Omit<GridRun, "run_id" | "cells"> {
  const { state, created_us, started_us, finished_us, version, trigger, logical_us } = run;
  return { state, created_us, started_us, finished_us, version, trigger, logical_us };
}
