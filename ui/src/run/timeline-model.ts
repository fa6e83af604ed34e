/** Bars on a time axis: their order, the window that is looked at, the marks of the axis, and what patches change. */

import type { NodeStatus, TaskRun, TimelineBar } from "@/run/types";

export interface Span {
  readonly from: number;
  readonly to: number;
}

const SECOND = 1_000_000;
const STEPS_S = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200,
  10800, 21600, 43200, 86400, 172800, 604800,
];

/** From the first thing that happened to the last one, or to `now` while something runs. */
export function extent(bars: readonly TimelineBar[], now: number, startedUs: number, finishedUs: number): Span {
  let from = startedUs || Infinity;
  let to = finishedUs || (startedUs ? now : 0);
  for (const bar of bars) {
    const first = bar.ready_us || bar.started_us;
    if (first) from = Math.min(from, first);
    to = Math.max(to, bar.finished_us);
  }
  if (!Number.isFinite(from)) from = now;
  return { from, to: Math.max(to, from + 1_000) };
}

/** From where a run itself begins: what it took over from another may have ended hours before. The whole of any other. */
export function own(whole: Span, bars: readonly TimelineBar[], startedUs: number): Span {
  let from = startedUs || whole.from;
  for (const bar of bars) if (!isBefore(bar, startedUs)) from = Math.min(from, bar.ready_us || bar.started_us || from);
  return { from: Math.min(Math.max(from, whole.from), whole.to - 1_000), to: whole.to };
}

/** It had ended when the run began. */
export function isBefore(bar: TimelineBar, startedUs: number): boolean {
  return bar.finished_us > 0 && bar.finished_us <= startedUs;
}

/** Where an instant stands in a window, 0 to 1 inside of it. */
export function place(window: Span, at: number): number {
  return (at - window.from) / (window.to - window.from);
}

/** Round instants of the axis, counted from `origin`, at most about `most` of them. */
export function marks(window: Span, origin: number, most: number): { at: number; seconds: number }[] {
  const wanted = (window.to - window.from) / SECOND / Math.max(1, most);
  const step = (STEPS_S.find((each) => each >= wanted) ?? 604800 * Math.ceil(wanted / 604800)) * SECOND;
  const first = Math.ceil((window.from - origin) / step - 1e-9) + 0;
  const out: { at: number; seconds: number }[] = [];
  for (let n = first; origin + n * step <= window.to && out.length <= most + 2; n += 1) {
    out.push({ at: origin + n * step, seconds: (n * step) / SECOND });
  }
  return out;
}

/** `1.5 s`, `2 min`, `1 h 30 min` after the start, `−2 min` before it. */
export function markLabel(seconds: number): string {
  if (seconds < 0) return `−${markLabel(-seconds)}`;
  if (seconds === 0) return "0";
  if (Math.abs(seconds) < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${Number(seconds.toFixed(3))} s`;
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.round(seconds % 60)];
  if (hours >= 48) return `${Math.round(hours / 24)} d`;
  return [hours && `${hours} h`, minutes && `${minutes} min`, rest && `${rest} s`].filter(Boolean).join(" ");
}

/** Zoom around `at` (0 to 1 of the window), within the whole. */
export function zoom(window: Span, whole: Span, factor: number, at: number): Span {
  const length = window.to - window.from;
  const next = Math.min(Math.max(length * factor, 2_000), whole.to - whole.from);
  return within({ from: window.from + (length - next) * at, to: window.from + (length - next) * at + next }, whole);
}

/** The window moved by a share of its length, within the whole. */
export function pan(window: Span, whole: Span, share: number): Span {
  const by = (window.to - window.from) * share;
  return within({ from: window.from + by, to: window.to + by }, whole);
}

function within(window: Span, whole: Span): Span {
  const length = window.to - window.from;
  if (length >= whole.to - whole.from) return whole;
  const from = Math.min(Math.max(window.from, whole.from), whole.to - length);
  return { from, to: from + length };
}

/** Without the bars of map nodes, whose task has bars of its own: people think of one task. */
export function withoutMaps(bars: readonly TimelineBar[]): TimelineBar[] {
  const tasks = new Set(bars.map((bar) => bar.task));
  return bars.filter((bar) => !bar.task.endsWith("[]") || !tasks.has(bar.task.slice(0, -2)));
}

/** By start, what has not started last; equal starts by name. */
export function ordered(bars: readonly TimelineBar[]): TimelineBar[] {
  const start = (bar: TimelineBar) => bar.started_us || bar.ready_us || Infinity;
  return [...bars].sort((a, b) => start(a) - start(b) || byText(a.task, b.task) || byIndex(a.index, b.index));
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function byIndex(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const difference = (a[at] ?? -1) - (b[at] ?? -1);
    if (difference) return difference;
  }
  return 0;
}

/** Bars with what the stream says of unmapped task runs; a bar that is new (a flow's step) is added. */
export function withTasks(bars: readonly TimelineBar[], tasks: readonly TaskRun[]): TimelineBar[] {
  if (tasks.length === 0) return [...bars];
  const news = new Map(tasks.map((task) => [key(task.task, task.index), task]));
  const out = bars.map((bar) => {
    const task = bar.count === 1 ? news.get(key(bar.task, bar.index)) : undefined;
    if (!task) return bar;
    news.delete(key(bar.task, bar.index));
    return { ...bar, ...timesOf(task) };
  });
  for (const task of news.values()) {
    if (task.index.length === 0) out.push({ task: task.task, index: [], critical: false, count: 1, ...timesOf(task) });
  }
  return out;
}

function timesOf({
  state,
  ready_us,
  started_us,
  finished_us,
}: TaskRun): Pick<TimelineBar, "state" | "ready_us" | "started_us" | "finished_us"> {
  return { state, ready_us, started_us, finished_us };
}

/** Folded bars of mapped tasks with the times of their node. */
export function withNodes(bars: readonly TimelineBar[], nodes: readonly NodeStatus[]): TimelineBar[] {
  const news = new Map(nodes.map((node) => [node.task, node]));
  return bars.map((bar) => {
    const node = bar.count > 1 ? news.get(bar.task) : undefined;
    return node ? { ...bar, started_us: node.started_us || bar.started_us, finished_us: node.finished_us } : bar;
  });
}

export const ENDED: ReadonlySet<string> = new Set(["succeeded", "failed", "skipped", "upstream_failed", "cancelled"]);

/** How the only task run of a node has ended; undefined while it goes on, and of mapped tasks. */
export function endOf(node: NodeStatus): TimelineBar["state"] | undefined {
  const state = node.total === 1 ? (Object.keys(node.counts)[0] as TimelineBar["state"] | undefined) : undefined;
  return state !== undefined && ENDED.has(state) ? state : undefined;
}

/** Bars of unmapped task runs as their nodes say that they ended. */
export function withEnds(bars: readonly TimelineBar[], nodes: readonly NodeStatus[]): TimelineBar[] {
  const ends = new Map(nodes.map((node) => [node.task, node]));
  return bars.map((bar) => {
    const node = bar.count === 1 && bar.index.length === 0 && bar.finished_us === 0 ? ends.get(bar.task) : undefined;
    const state = node && endOf(node);
    return node && state ? { ...bar, state, started_us: node.started_us, finished_us: node.finished_us } : bar;
  });
}

/**
 * The task runs that made the run as long as it was: from the last one to end, back over what each had waited for.
 *
 * The server says which tasks are on the path; of a mapped one only the index counts whose end let the next begin.
 */
export function chain(bars: readonly TimelineBar[]): Set<TimelineBar> {
  const ended = bars.filter((bar) => bar.critical && bar.finished_us > 0).sort((a, b) => b.finished_us - a.finished_us);
  const out = new Set<TimelineBar>();
  for (let at = ended[0]; at;) {
    out.add(at);
    const ready = at.ready_us || at.started_us;
    const current = at;
    at = ended.find((bar) => bar.finished_us <= ready + SLACK_US && !out.has(bar) && bar.task !== current.task);
  }
  for (const bar of bars) if (bar.critical && bar.finished_us === 0) out.add(bar);
  return out;
}

/** An end is recorded a moment before what it makes ready. */
const SLACK_US = 500;

function key(task: string, index: readonly number[]): string {
  return `${task}[${index.join(".")}]`;
}
