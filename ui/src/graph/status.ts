/** What a box says of its task runs: the worst state first, since one failure among thousands is what a person looks for. */

import { STATE_OF, cellOf } from "@/pipeline/grid-model";
import type { NodeStatus, TaskState } from "@/run/types";

export interface BoxStatus {
  readonly state: TaskState | null;
  readonly counts: Readonly<Partial<Record<TaskState, number>>>;
  readonly total: number;
  readonly done: number;
  readonly started_us: number;
  readonly finished_us: number;
}

const ENDED: readonly TaskState[] = ["succeeded", "failed", "skipped", "upstream_failed", "cancelled"];

/**
 * The statuses of some nodes as one. `rows[0]` is the task itself; a map node that covers it gives only its size and
 * state, since it is no work of its own.
 */
export function merged(rows: readonly NodeStatus[], isMap: (task: string) => boolean): BoxStatus {
  const counts: Partial<Record<TaskState, number>> = {};
  const any: Record<string, number> = {};
  let [total, size, started, finished, open] = [0, 0, 0, 0, false];
  const work = rows.filter((row) => !isMap(row.task));
  for (const row of rows) {
    for (const state in row.counts) any[state] = (any[state] ?? 0) + (row.counts[state] ?? 0);
    size += Math.max(0, row.size);
    if (row.started_us) started = started ? Math.min(started, row.started_us) : row.started_us;
    if (row.finished_us) finished = Math.max(finished, row.finished_us);
    else open = true;
  }
  for (const row of work.length ? work : rows) {
    total += row.total;
    for (const state in row.counts)
      counts[state as TaskState] = (counts[state as TaskState] ?? 0) + (row.counts[state] ?? 0);
  }
  if (work.length && work.length < rows.length) total = Math.max(total, size);
  const done = ENDED.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
  return {
    state: STATE_OF[cellOf(any)] ?? null,
    counts,
    total,
    done,
    started_us: started,
    finished_us: open ? 0 : finished,
  };
}
