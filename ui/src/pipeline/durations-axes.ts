/** What stands at the axes of the chart of durations. */

import { clock, duration, localDay } from "@/design/words";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Steps of time, which is not decimal above a second. */
export const STEPS_S = [
  ...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 5, 10, 20].map((n) => n * DAY),
];

/** Days, or of runs of one day their times; each is said once, where it begins. 0 is no run. */
export function timeLabels(instants: readonly number[], zone?: string, locale?: string): string[] {
  const days = new Set(instants.filter(Boolean).map((us) => localDay(us, zone, locale)));
  const wordsOf = days.size > 1 ? localDay : clock;
  let said = "";
  return instants.map((us) => {
    const words = us ? wordsOf(us, zone, locale) : "";
    if (words === said) return "";
    said = words || said;
    return words;
  });
}

/** A duration at the axis, without the half of it that is nothing: `8 m`, not `8 m 00 s`. */
export function durationLabel(seconds: number): string {
  return seconds ? duration(seconds * 1e6).replace(/ 00? [smh]$/, "") : "0";
}
