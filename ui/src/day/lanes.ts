/** What a day's timeline draws: a lane for each pipeline, bars that do not overlap, and crowds folded into one bar. */

import type { Day, DayRun, RunState, Tick } from "@/api/types";
import { pipelineOf } from "@/design/words";

export interface Bar {
  key: string;
  fromUs: number;
  toUs: number;
  /** Of a crowd: the state that most needs a look. */
  state: RunState;
  /** One run, or the number of runs that were folded. */
  runs: DayRun[];
  row: number;
}

/** Planned ticks that cannot be told apart, or one. */
export interface Planned {
  key: string;
  fromUs: number;
  toUs: number;
  ticks: Tick[];
}

export interface Lane {
  pipeline: string;
  bars: Bar[];
  planned: Planned[];
  rows: number;
}

export const MOST_ROWS = 4;

/** A mark of a tick is that much wider than what two bars are told apart by. */
const MARK = 2;

const WORST: Record<RunState, number> = { failed: 0, running: 1, suspended: 2, queued: 3, cancelled: 4, succeeded: 5 };

/** `finestUs`: what one may not tell apart on this screen; runs that begin closer together are one bar. */
export function lanesOf(day: Day, nowUs: number, finestUs: number): Lane[] {
  const lanes = new Map<string, { runs: DayRun[]; ticks: Tick[] }>();
  const laneOf = (pipeline: string) => {
    const lane = lanes.get(pipeline) ?? { runs: [], ticks: [] };
    lanes.set(pipeline, lane);
    return lane;
  };
  for (const run of day.runs) laneOf(run.pipeline).runs.push(run);
  for (const tick of day.ticks) laneOf(pipelineOf(tick.schedule)).ticks.push(tick);
  return [...lanes]
    .map(([pipeline, { runs, ticks }]) => {
      const bars = packed(crowded(runs, nowUs, finestUs));
      return { pipeline, bars, planned: plannedOf(ticks, MARK * finestUs), rows: Math.max(1, ...bars.map((bar) => bar.row + 1)) };
    })
    .sort((a, b) => (a.pipeline < b.pipeline ? -1 : 1));
}

function crowded(runs: readonly DayRun[], nowUs: number, finestUs: number): Bar[] {
  const bars: Bar[] = [];
  for (const run of [...runs].sort((a, b) => startOf(a) - startOf(b))) {
    const fromUs = startOf(run);
    const toUs = Math.max(fromUs, run.finished_us || nowUs);
    const last = bars.at(-1);
    if (last && fromUs - last.fromUs < finestUs && Math.max(toUs, last.toUs) - Math.min(fromUs, last.fromUs) < 4 * finestUs) {
      last.runs.push(run);
      last.toUs = Math.max(last.toUs, toUs);
      if (WORST[run.state] < WORST[last.state]) last.state = run.state;
    } else {
      bars.push({ key: run.run_id, fromUs, toUs, state: run.state, runs: [run], row: 0 });
    }
  }
  return bars;
}

/** Ticks of which each follows the one before within `finestUs` are one. */
function plannedOf(ticks: readonly Tick[], finestUs: number): Planned[] {
  const out: Planned[] = [];
  for (const tick of [...ticks].sort((a, b) => dueOf(a) - dueOf(b))) {
    const at = dueOf(tick);
    const last = out.at(-1);
    if (last && at - last.toUs < finestUs) {
      last.ticks.push(tick);
      last.toUs = at;
    } else {
      out.push({ key: `${tick.schedule} ${at}`, fromUs: at, toUs: at, ticks: [tick] });
    }
  }
  return out;
}

export function dueOf(tick: Tick): number {
  return tick.due_us || tick.at_us;
}

/** Each bar goes into the first row that is free; what finds none shares the last. */
function packed(bars: Bar[]): Bar[] {
  const ends: number[] = [];
  for (const bar of bars) {
    const free = ends.findIndex((end) => end <= bar.fromUs);
    bar.row = free >= 0 ? free : Math.min(ends.length, MOST_ROWS - 1);
    ends[bar.row] = Math.max(ends[bar.row] ?? 0, bar.toUs);
  }
  return bars;
}

function startOf(run: DayRun): number {
  return run.started_us || run.created_us;
}

/** Midnight to midnight in the viewer's zone: 23 or 25 hours on two days of a year. */
export function dayRange(date: string): { fromUs: number; toUs: number } {
  const [year = 1970, month = 1, day = 1] = date.split("-").map(Number);
  return {
    fromUs: new Date(year, month - 1, day).getTime() * 1_000,
    toUs: new Date(year, month - 1, day + 1).getTime() * 1_000,
  };
}

const BEFORE_H = 14;
const AFTER_H = 10;

/** The day around now, in full hours: most of it was, the rest will be. */
export function aroundNow(nowUs: number): { fromUs: number; toUs: number } {
  const hour = new Date(nowUs / 1_000).setMinutes(0, 0, 0) * 1_000;
  return { fromUs: hour - BEFORE_H * 3_600_000_000, toUs: hour + AFTER_H * 3_600_000_000 };
}

export function dateOf(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

export function shifted(date: string, days: number): string {
  const [year = 1970, month = 1, day = 1] = date.split("-").map(Number);
  return dateOf(new Date(year, month - 1, day + days, 12).getTime());
}

export function isDate(text: string | undefined): text is string {
  return /^\d{4}-\d{2}-\d{2}$/.test(text ?? "") && !Number.isNaN(Date.parse(text ?? ""));
}

/** The full hours of a range, on the viewer's clock. */
export function hours(fromUs: number, toUs: number, every: number): number[] {
  const list: number[] = [];
  for (let us = fromUs; us < toUs; us += 3_600_000_000) {
    if (new Date(us / 1_000).getHours() % every === 0) list.push(us);
  }
  return list;
}
