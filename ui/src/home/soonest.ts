/** The next tick of each schedule: one of every minute must not hide the others. */

import type { PipelineSummary, Tick } from "@/api/types";

const DAY_US = 86_400_000_000;

export interface Soon {
  schedule: string;
  at_us: number;
}

/** `ticks` are the first of all; a schedule that has none among them is known from its pipeline. */
export function soonest(
  ticks: readonly Pick<Tick, "schedule" | "at_us" | "due_us">[],
  pipelines: readonly Pick<PipelineSummary, "paused" | "schedules">[],
  nowUs: number,
): Soon[] {
  const found = new Map<string, number>();
  for (const tick of ticks) {
    if (!found.has(tick.schedule)) found.set(tick.schedule, tick.due_us || tick.at_us);
  }
  for (const { id, next_us, paused } of pipelines.filter((pipeline) => !pipeline.paused).flatMap(({ schedules }) => schedules)) {
    if (!paused && !found.has(id) && next_us > nowUs && next_us < nowUs + DAY_US) found.set(id, next_us);
  }
  return [...found].map(([schedule, at_us]) => ({ schedule, at_us })).sort((a, b) => a.at_us - b.at_us);
}
