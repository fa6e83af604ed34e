/** What a check found, in words, and its rows as a table. */

import type { AssetCheck } from "@/api/types";
import type { Tone } from "@/design/state";
import { plural } from "@/design/words";

export const WORDS: Record<AssetCheck["severity"], string> = {
  block: "fails, and halts what follows",
  quarantine: "fails, and sets rows aside",
  warn: "fails, and warns",
};

export function toneOfCheck({ passed, severity, reviewed }: Pick<AssetCheck, "passed" | "severity" | "reviewed">): {
  state: "succeeded" | "failed" | "retrying";
  tone: Tone;
} {
  if (passed || reviewed === "normal") return { state: "succeeded", tone: "succeeded" };
  return severity === "warn" ? { state: "retrying", tone: "retrying" } : { state: "failed", tone: "failed" };
}

/** What the past of an asset is compared by, of a check that does that; "" of any other. */
export function measuredBy(check: string): "" | "rows" | "duration" {
  const found = /^as_usual\((rows|duration)\)$/.exec(check)?.[1];
  return found === "rows" || found === "duration" ? found : "";
}

/** In a few words. */
export function verdictOf({ passed, severity, reviewed }: Pick<AssetCheck, "passed" | "severity" | "reviewed">): string {
  if (passed) return "holds";
  return reviewed === "normal" ? "called normal" : WORDS[severity];
}

/** `2 of 8 rows (25 %)`. */
export function shareOf({ failed_rows: bad, total_rows: total }: Pick<AssetCheck, "failed_rows" | "total_rows">): string {
  if (!bad) return "";
  if (!total) return plural(bad, "row");
  const share = (100 * bad) / total;
  const percent = share < 0.1 ? "< 0.1" : share.toLocaleString(undefined, { maximumFractionDigits: share < 10 ? 1 : 0 });
  return `${bad.toLocaleString()} of ${plural(total, "row")} (${percent} %)`;
}

/** Rows that need not have the same columns, and need not be tables at all. */
export function tableOf(sample: readonly unknown[]): { columns: string[]; rows: string[][] } {
  const records = sample.map((row) => (typeof row === "object" && row !== null && !Array.isArray(row) ? (row as Record<string, unknown>) : { value: row }));
  const columns = [...new Set(records.flatMap((row) => Object.keys(row)))];
  return { columns, rows: records.map((row) => columns.map((column) => textOf(row[column]))) };
}

function textOf(value: unknown): string {
  if (value === undefined) return "";
  if (value === null) return "null";
  return typeof value === "string" ? value : JSON.stringify(value);
}
