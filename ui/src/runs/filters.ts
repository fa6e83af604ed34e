/** The filters of the runs page: between its address and the API's parameters. */

import type { Params } from "@/api/client";
import { RUN_STATES, type RunState } from "@/api/types";

export const TRIGGERS = ["manual", "schedule", "backfill"] as const;

const UNITS = { m: 60, h: 3_600, d: 86_400 } as const;

interface Search {
  pipeline?: string;
  state?: string;
  trigger?: string;
  search?: string;
  from?: string;
  to?: string;
}

export function statesOf(text: string | undefined): RunState[] {
  const named = (text ?? "").split(",");
  return RUN_STATES.filter((state) => named.includes(state));
}

export function toggled<T>(list: readonly T[], member: T): T[] {
  return list.includes(member) ? list.filter((other) => other !== member) : [...list, member];
}

/** Spans count back from now, rounded to the minute, so that one address is one question for a while. */
export function instantUs(text: string | undefined, nowMs: number): number | undefined {
  const span = /^(\d+)([mhd])$/.exec(text ?? "");
  if (span) {
    const seconds = Number(span[1]) * UNITS[span[2] as keyof typeof UNITS];
    return (Math.floor(nowMs / 60_000) * 60 - seconds) * 1_000_000;
  }
  const parsed = text ? Date.parse(text) : Number.NaN;
  return Number.isNaN(parsed) ? undefined : parsed * 1_000;
}

export function filtersOf(search: Search, nowMs: number = Date.now()): Params {
  return {
    pipeline: search.pipeline,
    state: statesOf(search.state),
    trigger: search.trigger,
    search: search.search,
    from_us: instantUs(search.from, nowMs),
    to_us: instantUs(search.to, nowMs),
  };
}
