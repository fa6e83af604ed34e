/** What became of records, in words; and records as text to search and to download. */

import type { SyncRun } from "@/api/types";
import type { Foreseen, Records } from "@/syncs/queries";
import { plural } from "@/design/words";

/** `100 sent: 88 updated, 10 deleted, 2 rejected`. */
export function effectOf(run: Pick<SyncRun, "sent" | "created" | "updated" | "deleted" | "rejected" | "invalid">): string {
  const parts = [
    run.created && `${run.created.toLocaleString()} created`,
    run.updated && `${run.updated.toLocaleString()} updated`,
    run.deleted && `${run.deleted.toLocaleString()} deleted`,
    run.rejected && `${run.rejected.toLocaleString()} rejected`,
    run.invalid && `${run.invalid.toLocaleString()} invalid`,
  ].filter(Boolean);
  if (run.sent === 0 && parts.length === 0) return "nothing to send";
  return `${run.sent.toLocaleString()} sent${parts.length ? `: ${parts.join(", ")}` : ""}`;
}

export function predictedOf({ operations, creates, invalid, unchanged }: Foreseen): string {
  const total = Object.values(operations).reduce((sum, count) => sum + count, 0);
  if (total === 0 && invalid === 0) return `It would send nothing: all ${plural(unchanged, "row")} are acknowledged.`;
  const parts = Object.entries(operations)
    .filter(([, count]) => count > 0)
    .map(([operation, count]) => {
      const news = operation === "upsert" && creates ? `, ${creates.toLocaleString()} of them new` : "";
      return `${operation} ${plural(count, "record")}${news}`;
    });
  const lost = invalid ? [`${plural(invalid, "record")} would not be sent, since the destination would reject ${invalid === 1 ? "it" : "them"}`] : [];
  return `It would ${[...parts, ...lost].join("; ")}.`;
}

/** Rows that have the status (any: "") and all of the words somewhere. */
export function searched({ columns, rows }: Records, status: string, search: string): unknown[][] {
  const at = columns.indexOf("status");
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    if (status && row[at] !== status) return false;
    const text = row.map(String).join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** RFC 4180; a cell that a spreadsheet would take for a formula is made text. */
export function csvOf(columns: readonly string[], rows: readonly unknown[][]): string {
  const cell = (value: unknown) => {
    const text = value === null || value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [columns, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
}
