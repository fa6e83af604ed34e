/** How far the models and tests of dbt are, by the nodes of their run. */

import type { DbtModel, NodeStatus, TaskState } from "@/api/types";

export interface Told {
  state: TaskState;
  startedUs: number;
  finishedUs: number;
}

/** Of a task that is no map: its one state; one that nobody heard of waits. */
export function toldOf(nodes: readonly NodeStatus[]): Map<string, Told> {
  return new Map(
    nodes.map((node) => {
      const state = (Object.entries(node.counts).find(([, count]) => count > 0)?.[0] ?? "waiting") as TaskState;
      return [node.task, { state, startedUs: node.started_us, finishedUs: node.finished_us }];
    }),
  );
}

/** Where dbt's own documentation of a model stands; "" for a project that has none made. */
export function docsOf({ docs, unique_id }: DbtModel): string {
  if (!docs) return "";
  return `/api/v1/dbt/${encodeURIComponent(docs)}/docs#!/${unique_id.split(".")[0] ?? "model"}/${unique_id}`;
}

export interface Tally {
  held: number;
  failed: number;
  left: number;
}

export function tallyOf({ tests }: DbtModel, told: ReadonlyMap<string, Told>): Tally {
  const tally = { held: 0, failed: 0, left: 0 };
  for (const test of tests) {
    const state = told.get(test.task)?.state;
    if (state === "succeeded") tally.held += 1;
    else if (state === "failed") tally.failed += 1;
    else tally.left += 1;
  }
  return tally;
}

export function tallyWords({ held, failed, left }: Tally): string {
  if (held + failed + left === 0) return "none";
  return [failed && `${failed} failed`, held && `${held} held`, left && `${left} not run`].filter(Boolean).join(", ");
}
