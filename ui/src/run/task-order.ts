/** Task runs in the order in which they come in the graph, as in the grid: what comes first stands above. Pure. */

import type { Graph, TaskRun } from "@/run/types";

/** Above it a list is read page by page as the server has it: by name. */
export const WHOLE_LIMIT = 5_000;

export function graphOrder(graph: Pick<Graph, "nodes">): ReadonlyMap<string, number> {
  return new Map(graph.nodes.map((node, at) => [node.id, at]));
}

/** The rows of one task stay as they came, by index; what the graph does not know comes last. */
export function inOrder(rows: readonly TaskRun[], order: ReadonlyMap<string, number>): readonly TaskRun[] {
  const rank = (row: TaskRun) => order.get(row.task) ?? order.size;
  return [...rows].sort((a, b) => rank(a) - rank(b));
}
