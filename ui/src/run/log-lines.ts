/**
 * The lines of one attempt's log: in order, each once, and those that pass the filters.
 *
 * Pages and the stream may bring a line twice; the line number decides. A filter looks at a line once: what comes in
 * later is added to what passed before, so that 100,000 lines cost as they come, not each time.
 */

import { plain } from "@/run/ansi";
import type { LogLine } from "@/run/types";

export const LEVELS = ["debug", "info", "warning", "error"] as const;
export type Level = (typeof LEVELS)[number];

/** What the author wrote as a level, as one of four; output without a level counts as info. */
export function levelOf(name: string): Level {
  const level = name.toLowerCase();
  if (level.startsWith("warn")) return "warning";
  if (level === "error" || level === "critical" || level === "fatal" || level === "exception") return "error";
  return level === "debug" || level === "trace" || level === "notset" ? "debug" : "info";
}

export interface LogFilter {
  readonly level: Level;
  readonly search: string;
  /** Only the lines that hold `search`, instead of all with those marked. */
  readonly only: boolean;
}

/** A line as it is drawn: what was written in one go may hold several. */
export interface LogRow {
  readonly line: LogLine;
  /** Which of them; 0 is the first. */
  readonly part: number;
  readonly text: string;
}

export class LogLines {
  private readonly all: LogRow[] = [];
  private readonly texts: string[] = [];
  private filter: LogFilter = { level: "debug", search: "", only: false };
  private passed: number[] = [];
  private found: number[] = [];
  private looked = 0;
  private counts: Record<Level, number> = { debug: 0, info: 0, warning: 0, error: 0 };

  /** Add lines in any order; true when one of them was new. */
  add(lines: readonly LogLine[]): boolean {
    let added = false;
    for (const line of lines) {
      const last = this.all[this.all.length - 1];
      if (!last || line.n > last.line.n) {
        for (const row of rowsOf(line)) {
          this.all.push(row);
          this.texts.push(plain(row.text));
        }
      } else if (!this.insert(line)) continue;
      this.counts[levelOf(line.level)] += 1;
      added = true;
    }
    this.look();
    return added;
  }

  private insert(line: LogLine): boolean {
    let low = 0;
    let high = this.all.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.all[middle]?.line.n ?? 0) < line.n) low = middle + 1;
      else high = middle;
    }
    if (this.all[low]?.line.n === line.n) return false;
    const rows = rowsOf(line);
    this.all.splice(low, 0, ...rows);
    this.texts.splice(low, 0, ...rows.map((row) => plain(row.text)));
    this.again();
    return true;
  }

  /** Filter by level and search from now on. */
  use(filter: LogFilter): void {
    const { level, search, only } = this.filter;
    if (level === filter.level && search === filter.search && only === filter.only) return;
    this.filter = filter;
    this.again();
    this.look();
  }

  private again(): void {
    this.passed = [];
    this.found = [];
    this.looked = 0;
  }

  private look(): void {
    const needle = this.filter.search.toLowerCase();
    const least = LEVELS.indexOf(this.filter.level);
    for (; this.looked < this.all.length; this.looked += 1) {
      const row = this.all[this.looked];
      if (!row || LEVELS.indexOf(levelOf(row.line.level)) < least) continue;
      const hit = needle !== "" && (this.texts[this.looked] ?? "").toLowerCase().includes(needle);
      if (this.filter.only && needle !== "" && !hit) continue;
      if (hit) this.found.push(this.passed.length);
      this.passed.push(this.looked);
    }
  }

  /** How many lines pass. */
  get length(): number {
    return this.passed.length;
  }

  get total(): number {
    return this.all.length;
  }

  get lastNumber(): number {
    return this.all[this.all.length - 1]?.line.n ?? 0;
  }

  get byLevel(): Readonly<Record<Level, number>> {
    return this.counts;
  }

  /** The line at a place among those that pass. */
  at(place: number): LogRow | undefined {
    const index = this.passed[place];
    return index === undefined ? undefined : this.all[index];
  }

  /** Places of the lines that hold the search, ascending. */
  get matches(): readonly number[] {
    return this.found;
  }

  /** The match after `place` (or before it), going round. */
  next(place: number, step: 1 | -1): number | undefined {
    if (this.found.length === 0) return undefined;
    if (step === 1) return this.found.find((each) => each > place) ?? this.found[0];
    return this.found.findLast((each) => each < place) ?? this.found[this.found.length - 1];
  }

  /** Characters of the longest line that passes: how wide the list must be to scroll. */
  get width(): number {
    let most = 0;
    for (const index of this.passed) most = Math.max(most, this.texts[index]?.length ?? 0);
    return Math.min(most, 2_000);
  }
}

function rowsOf(line: LogLine): LogRow[] {
  return line.text
    .replace(/\n+$/, "")
    .split("\n")
    .map((text, part) => ({ line, part, text }));
}

/** `text` cut at the places where `search` stands, every second piece a hit. */
export function cut(text: string, search: string): string[] {
  if (search === "") return [text];
  const pieces: string[] = [];
  const low = text.toLowerCase();
  const needle = search.toLowerCase();
  let from = 0;
  for (let at = low.indexOf(needle); at >= 0; at = low.indexOf(needle, from)) {
    pieces.push(text.slice(from, at), text.slice(at, at + needle.length));
    from = at + needle.length;
  }
  pieces.push(text.slice(from));
  return pieces;
}
