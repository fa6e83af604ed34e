/** Days as weeks of months: which day is bad, which is missing. */

import type { CalendarDay } from "@/run/types";

export type DayOutcome = "none" | "succeeded" | "mixed" | "failed" | "cancelled" | "active";

export interface CalendarCell {
  /** `2026-11-22`. */
  readonly date: string;
  readonly day: number;
  readonly outcome: DayOutcome;
  readonly runs: CalendarDay | null;
  readonly future: boolean;
}

export interface CalendarMonth {
  /** `2026-11`. */
  readonly month: string;
  /** Weeks from Monday; null outside of the month. */
  readonly weeks: readonly (readonly (CalendarCell | null)[])[];
}

/** How a day is coloured: a failure is seen even where most went well. */
export function outcomeOf(day: CalendarDay | undefined): DayOutcome {
  if (!day || day.total === 0) return "none";
  if (day.failed > 0) return day.failed === day.total ? "failed" : "mixed";
  if (day.active > 0) return "active";
  return day.succeeded > 0 ? "succeeded" : "cancelled";
}

/** `count` months that end with `last` (`2026-11`), newest first. */
export function monthsOf(days: readonly CalendarDay[], last: string, count: number, today: string): CalendarMonth[] {
  const known = new Map(days.map((day) => [day.date, day]));
  return Array.from({ length: count }, (_, back) => {
    const month = shifted(last, -back);
    return { month, weeks: weeksOf(month, known, today) };
  });
}

/** Newest first, without those at the end in which nothing had run yet; one at least. */
export function sinceFirst(months: readonly CalendarMonth[]): CalendarMonth[] {
  const first = months.findLastIndex(({ weeks }) => weeks.some((week) => week.some((cell) => cell?.runs)));
  return months.slice(0, Math.max(0, first) + 1);
}

function weeksOf(month: string, known: ReadonlyMap<string, CalendarDay>, today: string): (CalendarCell | null)[][] {
  const [year = 1970, number = 1] = month.split("-").map(Number);
  const length = new Date(Date.UTC(year, number, 0)).getUTCDate();
  // Monday first: getUTCDay counts from Sunday.
  const before = (new Date(Date.UTC(year, number - 1, 1)).getUTCDay() + 6) % 7;
  const cells: (CalendarCell | null)[] = Array.from({ length: before }, () => null);
  for (let day = 1; day <= length; day += 1) {
    const date = `${month}-${String(day).padStart(2, "0")}`;
    const runs = known.get(date) ?? null;
    cells.push({ date, day, outcome: outcomeOf(runs ?? undefined), runs, future: date > today });
  }
  while (cells.length % 7) cells.push(null);
  return Array.from({ length: cells.length / 7 }, (_, week) => cells.slice(week * 7, week * 7 + 7));
}

/** A month later or earlier: `shifted("2026-01", -1)` is `2025-12`. */
export function shifted(month: string, by: number): string {
  const [year = 1970, number = 1] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + by, 1)).toISOString().slice(0, 7);
}

/** The local date of an instant, as the calendar counts. */
export function localDate(at: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** Microseconds of the local midnight that begins a date. */
export function midnightUs(date: string): number {
  const [year = 1970, month = 1, day = 1] = date.split("-").map(Number);
  return new Date(year, month - 1, day).getTime() * 1000;
}
