/** The boxes of a graph: a task, a folded group, a bundle of twins, and the frame of an open group. */

import type { NodeProps, Node } from "@xyflow/react";
import { memo } from "react";
import type { Box, Frame } from "@/graph/fold";
import type { BoxRow } from "@/graph/rows";
import type { BoxStatus } from "@/graph/status";
import { Icon } from "@/design/icon";
import { StateIcon, toneOf, wordOf } from "@/design/state";
import { Took } from "@/design/time";
import { plural } from "@/design/words";
import type { TaskState } from "@/run/types";
import css from "./graph.module.css";

/** What a box says that is no task. */
export interface Mark {
  readonly state: TaskState;
  readonly words: string;
}

export interface BoxData extends Record<string, unknown> {
  box: Box;
  kind: string;
  status: BoxStatus | null;
  note: string;
  critical: boolean;
  mark: Mark | null;
  unit: string;
  /** Unfolded below the name. */
  rows: readonly BoxRow[];
  pickRow: ((node: string, row: string) => void) | undefined;
  toggleRows: ((node: string) => void) | undefined;
}

export interface FrameData extends Record<string, unknown> {
  frame: Frame;
  close: (group: string) => void;
}

export type BoxNode = Node<BoxData, "box">;
export type FrameNode = Node<FrameData, "frame">;

const SHOWN: readonly TaskState[] = [
  "failed",
  "upstream_failed",
  "retrying",
  "running",
  "dispatched",
  "deferred",
  "ready",
  "skipped",
  "cancelled",
  "succeeded",
];

export const BoxView = memo(function BoxView({ data, selected }: NodeProps<BoxNode>) {
  const { box, kind, status, note, critical, mark, unit, rows, pickRow, toggleRows } = data;
  const many = box.kind !== "task" || kind === "map" || (status?.total ?? 0) > 1;
  const counted = many && (status?.total ?? 0) > 1;
  const state = mark?.state ?? status?.state;
  const words = mark?.words ?? (status?.state ? wordOf(status.state) : note);
  return (
    <div
      className={css.box}
      data-tone={state ? toneOf(state) : "waiting"}
      data-state={state ?? "none"}
      data-many={many}
      data-critical={critical}
      data-selected={selected}
      data-rows={rows.length > 0}
      title={`${box.label}${words ? `: ${words}` : ""}`}
    >
      <span className={css.line}>
        {state && <StateIcon state={state} />}
        <span className={css.label}>{box.label}</span>
        {box.kind === "group" && <Icon name="right" size={12} />}
        <Unfold box={box} isOpen={rows.length > 0} toggle={toggleRows} />
      </span>
      <Facts box={box} status={status} words={words} counted={counted} unit={unit} />
      {counted && status && <Share status={status} />}
      <RowList node={box.id} rows={rows} pick={pickRow} />
    </div>
  );
});

function Unfold({ box, isOpen, toggle }: { box: Box; isOpen: boolean; toggle: ((node: string) => void) | undefined }) {
  if (!toggle || box.kind !== "task") return null;
  return (
    <button
      type="button"
      className={`${css.unfold} nodrag nopan`}
      aria-label={`Columns of ${box.id}`}
      aria-expanded={isOpen}
      title={isOpen ? "Fold its columns" : "Unfold its columns"}
      onClick={(event) => {
        event.stopPropagation();
        toggle(box.id);
      }}
      onKeyDown={(event) => event.stopPropagation()}
    >
      <Icon name={isOpen ? "down" : "right"} size={12} />
    </button>
  );
}

function RowList({ node, rows, pick }: { node: string; rows: readonly BoxRow[]; pick: ((node: string, row: string) => void) | undefined }) {
  if (rows.length === 0) return null;
  return (
    <ul className={css.rows}>
      {rows.map((row) => (
        <li key={row.name}>
          <button
            type="button"
            className={`${css.row} nodrag nopan`}
            data-lit={row.lit}
            data-unknown={row.unknown}
            aria-pressed={row.lit}
            title={row.words ? `${row.name}: ${row.words}` : row.name}
            onClick={(event) => {
              event.stopPropagation();
              pick?.(node, row.name);
            }}
            onKeyDown={(event) => event.stopPropagation()}
          >
            <span className={css.rowName}>{row.name}</span>
            <span className={css.rowWords}>{row.unknown ? "unknown" : row.words}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Facts({
  box,
  status,
  words,
  counted,
  unit,
}: {
  box: Box;
  status: BoxStatus | null;
  words: string;
  counted: boolean;
  unit: string;
}) {
  return (
    <span className={css.facts}>
      {counted && status ? <Counters status={status} /> : <span>{words}</span>}
      {status && status.started_us > 0 && (
        <span className={css.took}>
          <Took fromUs={status.started_us} toUs={status.finished_us} />
        </span>
      )}
      {!status && box.kind !== "task" && <span>{plural(box.members.length, unit)}</span>}
    </span>
  );
}

/** How many of them are over, and apart from that how many need a look. */
export function Counters({ status }: { status: BoxStatus }) {
  const bad = (["failed", "upstream_failed", "retrying"] as const).find((state) => status.counts[state]);
  return (
    <span>
      {status.done.toLocaleString()} / {status.total.toLocaleString()}
      {bad && (
        <span className={css.bad} data-tone={toneOf(bad)}>
          {" · "}
          {status.counts[bad]?.toLocaleString()} {wordOf(bad)}
        </span>
      )}
    </span>
  );
}

/** How the task runs of a box are distributed over states, as one bar. */
export function Share({ status }: { status: BoxStatus }) {
  return (
    <span className={css.share} aria-hidden="true">
      {SHOWN.map((state) => {
        const n = status.counts[state];
        return n ? <i key={state} data-tone={toneOf(state)} data-state={state} style={{ flexGrow: n }} /> : null;
      })}
      <i
        style={{ flexGrow: Math.max(0, status.total - Object.values(status.counts).reduce((sum, n) => sum + n, 0)) }}
      />
    </span>
  );
}

export const FrameView = memo(function FrameView({ data }: NodeProps<FrameNode>) {
  const { frame, close } = data;
  return (
    <div className={css.frame}>
      <button
        type="button"
        className={`${css.frameHead} nodrag nopan`}
        onClick={() => close(frame.id)}
        title="Fold this group"
      >
        <Icon name="down" size={12} />
        {frame.label}
      </button>
    </div>
  );
});
