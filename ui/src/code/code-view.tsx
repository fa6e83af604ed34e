/** Code to read, and two versions of it side by side; long files draw only the lines in sight. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { highlighted, type Piece } from "@/code/highlight";
import { lineDiff, withGaps, type DiffRow, type Gap } from "@/code/line-diff";
import css from "./code.module.css";

const ROW = 19;

/** `first`: the number of the first line; `mark`: a line to look at. */
export function CodeView({
  text,
  path,
  first = 1,
  mark = 0,
}: {
  text: string;
  path: string;
  first?: number;
  mark?: number;
}) {
  const lines = useMemo(() => highlighted(text.replace(/\n$/, ""), path), [text, path]);
  const room = useRef<HTMLDivElement>(null);
  const list = useVirtualizer({
    count: lines.length,
    getScrollElement: () => room.current,
    estimateSize: () => ROW,
    overscan: 20,
  });
  useEffect(() => {
    if (mark > first) list.scrollToIndex(mark - first, { align: "center" });
  }, [mark, first, list]);
  const width = useMemo(() => lines.reduce((most, line) => Math.max(most, lengthOf(line)), 0), [lines]);
  return (
    <div
      ref={room}
      className={css.code}
      tabIndex={0}
      role="region"
      aria-label={`Code of ${path}`}
      style={{ maxHeight: Math.max(120, Math.min(lines.length * ROW + 24, 640)) }}
    >
      <div className={css.inner} style={{ height: list.getTotalSize(), minWidth: `calc(${width}ch + 5rem)` }}>
        {list.getVirtualItems().map((item) => (
          <div
            key={item.index}
            className={css.line}
            data-mark={first + item.index === mark}
            style={{ transform: `translateY(${item.start}px)` }}
          >
            <span className={css.number}>{first + item.index}</span>
            <Line pieces={lines[item.index] ?? []} />
          </div>
        ))}
      </div>
    </div>
  );
}

function Line({ pieces }: { pieces: readonly Piece[] }) {
  return (
    <span className={css.text}>
      {pieces.map((piece, at) => (
        <span key={at} data-kind={piece.kind || undefined}>
          {piece.text}
        </span>
      ))}
    </span>
  );
}

export function DiffView({ before, after, path }: { before: string; after: string; path: string }) {
  const left = useMemo(() => highlighted(before.replace(/\n$/, ""), path), [before, path]);
  const right = useMemo(() => highlighted(after.replace(/\n$/, ""), path), [after, path]);
  const rows = useMemo(() => lineDiff(textsOf(before, left), textsOf(after, right)), [before, after, left, right]);
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  const shown = useMemo(
    () =>
      withGaps(rows).flatMap((row): (DiffRow | Gap)[] =>
        row.kind === "gap" && opened.has(row.from) ? rows.slice(row.from, row.from + row.count) : [row],
      ),
    [rows, opened],
  );
  const room = useRef<HTMLDivElement>(null);
  const list = useVirtualizer({
    count: shown.length,
    getScrollElement: () => room.current,
    estimateSize: () => ROW,
    overscan: 20,
  });
  return (
    <div
      ref={room}
      className={css.code}
      tabIndex={0}
      role="region"
      aria-label={`Changes of ${path}`}
      style={{ height: "auto", maxHeight: 640, minHeight: 60 }}
    >
      <div className={css.inner} style={{ height: list.getTotalSize() }}>
        {list.getVirtualItems().map((item) => {
          const row = shown[item.index];
          if (!row) return null;
          const style = { transform: `translateY(${item.start}px)` };
          if (row.kind === "gap") {
            return (
              <button
                key={`gap${row.from}`}
                type="button"
                className={css.gap}
                style={style}
                onClick={() => setOpened(new Set([...opened, row.from]))}
              >
                {row.count === 1 ? "1 line is" : `${row.count.toLocaleString()} lines are`} the same
              </button>
            );
          }
          return (
            <div key={`${row.left}:${row.right}`} ref={list.measureElement} data-index={item.index} className={css.pair} style={style}>
              <div
                className={css.side}
                data-change={
                  row.kind === "changed" || row.kind === "removed" ? "removed" : row.left ? undefined : "none"
                }
              >
                <span className={css.number}>{row.left || ""}</span>
                <span className={css.sign}>{row.left && row.kind !== "same" ? "−" : ""}</span>
                <Line pieces={row.left ? (left[row.left - 1] ?? []) : []} />
              </div>
              <div
                className={css.side}
                data-change={row.kind === "changed" || row.kind === "added" ? "added" : row.right ? undefined : "none"}
              >
                <span className={css.number}>{row.right || ""}</span>
                <span className={css.sign}>{row.right && row.kind !== "same" ? "+" : ""}</span>
                <Line pieces={row.right ? (right[row.right - 1] ?? []) : []} />
              </div>
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** An empty text has no lines at all. */
function textsOf(text: string, lines: readonly (readonly Piece[])[]): string[] {
  return text === "" ? [] : lines.map((line) => line.map((piece) => piece.text).join(""));
}

function lengthOf(line: readonly Piece[]): number {
  return line.reduce((sum, piece) => sum + piece.text.length, 0);
}
