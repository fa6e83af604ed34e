/**
 * Runs × tasks: rows with groups folded or open, columns oldest first, the cells of a window, and what patches change.
 *
 * A run's cells are one string, a character for each task, so that a thousand runs of a thousand tasks are a megabyte
 * and a patch replaces one string. Nothing here depends on how many cells exist, only on how many are looked at.
 */

import type { PatchedGrid, PatchedRun } from "@/api/grid-patches";
import type { GridRun, GridTask, NodeStatus, TaskState } from "@/run/types";

export const STATE_OF: Readonly<Record<string, TaskState>> = {
  w: "waiting",
  r: "ready",
  d: "dispatched",
  R: "running",
  D: "deferred",
  t: "retrying",
  s: "succeeded",
  f: "failed",
  k: "skipped",
  u: "upstream_failed",
  c: "cancelled",
};

const LETTER_OF = Object.fromEntries(Object.entries(STATE_OF).map(([letter, state]) => [state, letter])) as Record<
  TaskState,
  string
>;

/** What a cell that stands for several task runs shows: the first of these that one of them has. */
export const WORST_FIRST = "fuctRdDrwsk.";

/** The worst of some cells. */
export function worst(letters: Iterable<string>): string {
  let best = WORST_FIRST.length - 1;
  for (const letter of letters) {
    const rank = WORST_FIRST.indexOf(letter);
    if (rank >= 0 && rank < best) best = rank;
  }
  return WORST_FIRST[best] ?? ".";
}

/** The cell of a node with these counts. */
export function cellOf(counts: Partial<Record<string, number>>): string {
  return worst(Object.entries(counts).flatMap(([state, n]) => (n ? [LETTER_OF[state as TaskState] ?? "."] : [])));
}

export interface GridRow {
  readonly id: string;
  readonly label: string;
  readonly kind: "group" | GridTask["kind"];
  readonly depth: number;
  readonly folded: boolean;
  /** Positions in a run's `cells` that this row stands for. */
  readonly at: readonly number[];
}

/** Rows in the order of the tasks; each group is a row above its tasks, which are left out while it is folded. */
export function rowsOf(tasks: readonly GridTask[], folded: ReadonlySet<string>, search = ""): GridRow[] {
  const members = new Map<string, number[]>();
  tasks.forEach((task, at) => {
    for (const group of groupsOf(task.group)) members.set(group, [...(members.get(group) ?? []), at]);
  });
  const rows: GridRow[] = [];
  const opened = new Set<string>();
  const needle = search.toLowerCase();
  tasks.forEach((task, at) => {
    if (needle) {
      if (task.id.toLowerCase().includes(needle)) rows.push({ ...task, depth: 0, folded: false, at: [at] });
      return;
    }
    const groups = groupsOf(task.group);
    let hidden = false;
    groups.forEach((group, depth) => {
      if (!hidden && !opened.has(group)) {
        opened.add(group);
        const label = group.split(".").pop() ?? group;
        rows.push({ id: group, label, kind: "group", depth, folded: folded.has(group), at: members.get(group) ?? [] });
      }
      hidden ||= folded.has(group);
    });
    const depth = groups.length + task.depth;
    if (!hidden) rows.push({ id: task.id, label: task.label, kind: task.kind, depth, folded: false, at: [at] });
  });
  return rows;
}

/** `a.b` is in `a`: outermost first. */
export function groupsOf(group: string): string[] {
  if (!group) return [];
  const parts = group.split(".");
  return parts.map((_, at) => parts.slice(0, at + 1).join("."));
}

/** Groups that are folded at first: all of them once there are more tasks than fit on two screens. */
export function foldedAtFirst(tasks: readonly GridTask[], limit = 60): Set<string> {
  return tasks.length <= limit ? new Set() : new Set(tasks.flatMap((task) => groupsOf(task.group)));
}

/** The letter at a row of a run. */
export function cellAt(run: GridRun, row: GridRow): string {
  const only = row.at[0];
  if (row.at.length === 1 && only !== undefined) return run.cells[only] ?? ".";
  return worst(row.at.map((at) => run.cells[at] ?? "."));
}

/** The first and last of `count` items of `size` px that a viewport shows, and a few beyond. */
export function visible(scroll: number, viewport: number, size: number, count: number, beyond = 2): [number, number] {
  const first = Math.max(0, Math.floor(scroll / size) - beyond);
  // Before it is measured the room is less than nothing, and the end of a slice must not be negative: that is nearly all.
  return [first, Math.max(first, Math.min(count, Math.ceil((scroll + viewport) / size) + beyond))];
}

/** All pages as one: the tasks of the newest with those that only older versions had, and the columns oldest first. */
export function joined(pages: readonly PatchedGrid[]): { tasks: GridTask[]; columns: PatchedRun[] } {
  const places = new Map<string, number>();
  const tasks: GridTask[] = [];
  for (const page of pages) {
    for (const task of page.tasks) {
      if (places.has(task.id)) continue;
      places.set(task.id, tasks.length);
      tasks.push(task);
    }
  }
  const seen = new Map<string, PatchedRun>();
  for (const page of pages) {
    const same = page.tasks.every((task, at) => tasks[at]?.id === task.id);
    for (const run of page.runs) {
      if (!seen.has(run.run_id))
        seen.set(run.run_id, same ? run : { ...run, cells: moved(run.cells, page.tasks, places, tasks.length) });
    }
  }
  const columns = [...seen.values()].sort((a, b) => a.created_us - b.created_us || (a.run_id < b.run_id ? -1 : 1));
  return { tasks, columns };
}

function moved(cells: string, tasks: readonly GridTask[], places: ReadonlyMap<string, number>, length: number): string {
  const out = Array<string>(length).fill(".");
  tasks.forEach((task, at) => {
    const place = places.get(task.id);
    if (place !== undefined) out[place] = cells[at] ?? ".";
  });
  return out.join("");
}

/** Whether a column begins a version: where a person looks for what broke it. */
export function changesVersion(columns: readonly GridRun[], at: number): boolean {
  const before = columns[at - 1];
  return before !== undefined && before.version !== columns[at]?.version;
}

/** Columns that a label of a version takes. */
const LABEL_COLUMNS = 2;

/**
 * The labels over the first columns of versions. Where the next version begins within a label's room the older one has
 * none: its line still stands there, and the card of the column names it. What differs is named: the graph where that
 * changed, else the bundle.
 */
export function versionLabels(columns: readonly GridRun[], end: number): { column: number; text: string }[] {
  const labels: { column: number; text: string }[] = [];
  let next = Infinity;
  const last = Math.min(columns.length, end + LABEL_COLUMNS) - 1;
  for (let column = last; column > 0; column -= 1) {
    const run = columns[column];
    if (!run || !changesVersion(columns, column)) continue;
    if (next - column >= LABEL_COLUMNS) labels.push({ column, text: differing(columns[column - 1]?.version ?? "", run.version) });
    next = column;
  }
  return labels.reverse();
}

/** What tells a version from the one before, in five characters: `659f0`, or `.0a1b` where only the bundle is another. */
function differing(before: string, version: string): string {
  const [graph = "", bundle = ""] = version.split(".");
  return before.split(".")[0] === graph && bundle ? `.${bundle.slice(0, 4)}` : graph.slice(0, 5);
}

/** The cells of one run with what the stream says of it; `isAll`: nothing that happened before is missing. */
export function withNodes(grid: PatchedGrid, runId: string, nodes: readonly NodeStatus[], isAll = false): PatchedGrid {
  const places = new Map(grid.tasks.map((task, at) => [task.id, at]));
  return {
    ...grid,
    runs: grid.runs.map((run) => {
      if (run.run_id !== runId) return run;
      const cells = [...run.cells.padEnd(grid.tasks.length, ".")];
      for (const node of nodes) {
        const at = places.get(node.task);
        if (at !== undefined) cells[at] = cellOf(node.counts);
      }
      return { ...run, cells: cells.join(""), isBehind: run.isBehind === true && !isAll };
    }),
  };
}
