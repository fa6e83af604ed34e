/** Runs × tasks: which task keeps failing, since when, since which version. */

import { useInfiniteQuery, useQueryClient, type InfiniteData } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo, useRef, useState, type KeyboardEvent, type MouseEvent } from "react";
import { withRuns, type PatchedGrid } from "@/api/grid-patches";
import { useTopic } from "@/api/live";
import { rowsOf as rowsOfReset } from "@/api/patches";
import { asProblem } from "@/api/problem";
import { Empty } from "@/design/empty";
import { Button } from "@/design/button";
import { SearchField } from "@/design/field";
import { Icon } from "@/design/icon";
import { ProblemBox } from "@/design/problem-box";
import { PageSkeleton } from "@/design/skeleton";
import { StateMark } from "@/design/state";
import { duration, moment, plural, shortVersion } from "@/design/words";
import {
  cellAt,
  changesVersion,
  foldedAtFirst,
  joined,
  rowsOf,
  STATE_OF,
  visible,
  withNodes,
  type GridRow,
} from "@/pipeline/grid-model";
import { CELL, HEAD, lengthOf, ROW } from "@/pipeline/grid-paint";
import { usePainting, useRoom, type Room, type Spot } from "@/pipeline/grid-room";
import { gridQuery } from "@/pipeline/queries";
import type { Grid, GridRun, NodeStatus, Run } from "@/run/types";
import css from "./grid.module.css";

type Patch = (grid: PatchedGrid) => PatchedGrid;

const LIVE = 4;

export function GridView({ name }: { name: string }) {
  const pages = useInfiniteQuery(gridQuery(name));
  const cache = useQueryClient();
  const patch = useCallback(
    (change: Patch) =>
      cache.setQueryData<InfiniteData<PatchedGrid>>(
        gridQuery(name).queryKey,
        (data) => data && { ...data, pages: data.pages.map((page, at) => (at === 0 ? change(page) : page)) },
      ),
    [cache, name],
  );
  const all = useMemo(() => joined(pages.data?.pages ?? []), [pages.data]);
  if (pages.error) return <ProblemBox problem={asProblem(pages.error)} />;
  if (!pages.data) return <PageSkeleton />;
  if (all.columns.length === 0)
    return (
      <Empty title="It has never run" command={`toque trigger ${name}`}>
        Each run becomes a column here, each task a row.
      </Empty>
    );
  const live = all.columns.filter((run) => run.finished_us === 0 || run.isBehind).slice(-LIVE);
  return (
    <>
      {live.map((run) => (
        <LiveColumn key={run.run_id} runId={run.run_id} patch={patch} />
      ))}
      <Sheet
        tasks={all.tasks}
        columns={all.columns}
        older={pages.hasNextPage && !pages.isFetchingNextPage ? () => void pages.fetchNextPage() : null}
      />
    </>
  );
}

/** Keeps the cells of one run up to date; of one that ended before anybody asked, until it has heard how. */
function LiveColumn({ runId, patch }: { runId: string; patch: (change: Patch) => void }) {
  useTopic(`run:${runId}`, (frame) => {
    if (frame.kind === "nodes") patch((grid) => withNodes(grid, runId, frame.data as NodeStatus[]));
    else if (frame.kind === "runs") patch((grid) => withEnd(grid, runId, frame.data as Run[], []));
    else if (frame.kind === "reset") {
      const rows = frame.data as { row?: string }[];
      patch((grid) => withEnd(grid, runId, rowsOfReset<Run>(rows, "run"), rowsOfReset<NodeStatus>(rows, "node")));
    }
  });
  return null;
}

/** The run's topic tells of its end with, or after, all of its task runs; of a run that was deleted it tells nothing. */
function withEnd(grid: PatchedGrid, runId: string, runs: readonly Run[], nodes: readonly NodeStatus[]): PatchedGrid {
  return withNodes(withRuns(grid, runs), runId, nodes, runs.every((run) => run.finished_us > 0));
}

interface SheetProps {
  tasks: Grid["tasks"];
  columns: readonly GridRun[];
  older: (() => void) | null;
}

const NOWHERE: Spot = { row: -1, column: -1 };

function Sheet({ tasks, columns, older }: SheetProps) {
  const [search, setSearch] = useState("");
  const [own, setOwn] = useState<ReadonlySet<string> | null>(null);
  const folded = useMemo(() => own ?? foldedAtFirst(tasks), [own, tasks]);
  const rows = useMemo(() => rowsOf(tasks, folded, search), [tasks, folded, search]);
  const [spot, setSpot] = useState<Spot>(NOWHERE);
  const room = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const navigate = useNavigate();
  const { size, scroll, move } = useRoom(room, columns.length, older);
  usePainting(canvas, { rows, columns, ...size, ...scroll, ...spot });
  const toggle = (group: string) => {
    const next = new Set(folded);
    if (!next.delete(group)) next.add(group);
    setOwn(next);
  };
  const go = ({ row, column }: Spot) => {
    const run = columns[column];
    const task = rows[row];
    if (!run) return;
    void navigate({
      to: "/runs/$runId",
      params: { runId: run.run_id },
      search: task && task.kind !== "group" ? { task: task.id } : {},
    });
  };
  const spotOf = (event: MouseEvent): Spot => {
    const box = event.currentTarget.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - size.labels, event.clientY - box.top - HEAD];
    const column = Math.floor((x + scroll.left) / CELL);
    const row = y < 0 ? -1 : Math.floor((y + scroll.top) / ROW);
    return x < 0 || column >= columns.length || row >= rows.length ? NOWHERE : { row, column };
  };
  const keys = (event: KeyboardEvent) => {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const next = moved(event.key, spot, rows, columns, size.height);
    if (next) {
      event.preventDefault();
      setSpot(next);
      move(next);
    } else if (event.key === "Enter" && spot.column >= 0) go(spot);
    else if (event.key === " " && rows[spot.row]?.kind === "group") {
      event.preventDefault();
      toggle(rows[spot.row]?.id ?? "");
    }
  };
  const [first, end] = visible(scroll.top, size.height - HEAD, ROW, rows.length);
  const words = wordsOf(rows[spot.row], columns[spot.column]);
  return (
    <div className={css.grid}>
      <div className={css.tools}>
        <SearchField label="Find a task" value={search} change={setSearch} />
        <span>
          {plural(tasks.length, "task")} × {plural(columns.length, "run")}
          {older ? "+" : ""}
        </span>
        {rows.some((row) => row.kind === "group") && (
          <Button
            onClick={() =>
              setOwn(
                folded.size
                  ? new Set()
                  : new Set(rowsOf(tasks, new Set()).flatMap((row) => (row.kind === "group" ? [row.id] : []))),
              )
            }
          >
            {folded.size ? "Open groups" : "Fold groups"}
          </Button>
        )}
        <span className={css.hint}>
          arrows move, <kbd>f</kbd> next failure, <kbd>Enter</kbd> open
        </span>
      </div>
      <div className={css.frame}>
        <canvas ref={canvas} className={css.canvas} aria-hidden="true" />
        <div
          ref={room}
          className={css.room}
          role="grid"
          tabIndex={0}
          aria-label="Runs and tasks"
          aria-rowcount={rows.length}
          aria-colcount={columns.length}
          aria-activedescendant={spot.column >= 0 ? "grid-cell" : undefined}
          onKeyDown={keys}
          onMouseMove={(event) => {
            const next = spotOf(event);
            if (next.row !== spot.row || next.column !== spot.column) setSpot(next);
          }}
          onMouseLeave={() => setSpot(NOWHERE)}
          onClick={(event) => go(spotOf(event))}
        >
          <div
            className={css.sizer}
            style={{ width: size.labels + columns.length * CELL, height: HEAD + rows.length * ROW }}
          >
            <div className={css.labels} style={{ width: size.labels, height: HEAD + rows.length * ROW }}>
              {rows.slice(first, end).map((row, at) => (
                <Label key={`${row.kind}:${row.id}`} row={row} top={HEAD + (first + at) * ROW} toggle={toggle} />
              ))}
              <div className={css.corner} style={{ height: HEAD, width: size.labels }}>
                <span>duration</span>
              </div>
            </div>
            <div role="row" className="visually-hidden">
              <span role="gridcell" id="grid-cell" aria-live="polite">
                {words}
              </span>
            </div>
          </div>
        </div>
        {spot.column >= 0 && <Card spot={spot} rows={rows} columns={columns} size={size} scroll={scroll} />}
      </div>
    </div>
  );
}

function Label({ row, top, toggle }: { row: GridRow; top: number; toggle: (group: string) => void }) {
  const style = { top, height: ROW, paddingLeft: `calc(var(--edge) + ${row.depth * 14}px)` };
  if (row.kind !== "group") {
    return (
      <div className={css.label} style={style} title={row.id}>
        <span>{row.label.replace(/\[\]$/, "")}</span>
        {row.kind === "map" && <i>mapped</i>}
        {row.kind === "flow" && <i>flow</i>}
      </div>
    );
  }
  return (
    <button
      type="button"
      className={css.label}
      data-group="true"
      aria-expanded={!row.folded}
      style={style}
      onClick={(event) => {
        event.stopPropagation();
        toggle(row.id);
      }}
    >
      <Icon name={row.folded ? "right" : "down"} size={10} />
      <span>{row.label}</span>
      <i>{row.at.length}</i>
    </button>
  );
}

function Card({
  spot,
  rows,
  columns,
  size,
  scroll,
}: {
  spot: Spot;
  rows: readonly GridRow[];
  columns: readonly GridRun[];
  size: Room;
  scroll: { left: number; top: number };
}) {
  const run = columns[spot.column];
  const row = rows[spot.row];
  if (!run) return null;
  const state = row ? STATE_OF[cellAt(run, row)] : undefined;
  const x = size.labels + (spot.column + 1) * CELL - scroll.left;
  const y = HEAD + (spot.row + 1) * ROW - scroll.top;
  const flipX = x > size.width - 270;
  const flipY = y > size.height - 130;
  const style = {
    ...(flipX ? { right: size.width - x + CELL + 4 } : { left: x + 4 }),
    ...(flipY ? { bottom: size.height - y + ROW } : { top: Math.max(4, y) }),
  };
  return (
    <div className={css.card} style={style} aria-hidden="true">
      {row && (
        <p>
          <strong>{row.label}</strong>
          {state ? <StateMark state={state} /> : <span>no task run</span>}
        </p>
      )}
      <p>
        <span>Run</span>
        <StateMark state={run.state} />
      </p>
      <p>
        <span>{moment(run.logical_us || run.created_us)}</span>
        <span>{run.finished_us ? duration(lengthOf(run)) : "running"}</span>
      </p>
      <p>
        <span>{run.trigger}</span>
        <code data-new={changesVersion(columns, spot.column)}>
          {changesVersion(columns, spot.column) ? "first of " : ""}
          {shortVersion(run.version)}
        </code>
      </p>
    </div>
  );
}

function wordsOf(row: GridRow | undefined, run: GridRun | undefined): string {
  if (!run) return "";
  const state = row ? (STATE_OF[cellAt(run, row)] ?? "no task run").replace("_", " ") : "";
  return [row && `${row.label}: ${state}`, `run of ${moment(run.created_us)} ${run.state}`].filter(Boolean).join(", ");
}

/** Where a key leads; `f` goes to the failure before (or left of) here. */
function moved(
  key: string,
  { row, column }: Spot,
  rows: readonly GridRow[],
  columns: readonly GridRun[],
  height: number,
): Spot | null {
  const last = { row: rows.length - 1, column: columns.length - 1 };
  if (column < 0 && ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(key))
    return { row: 0, column: last.column };
  const page = Math.max(1, Math.floor((height - HEAD) / ROW) - 1);
  const to = (r: number, c: number): Spot => ({
    row: Math.min(Math.max(r, 0), last.row),
    column: Math.min(Math.max(c, 0), last.column),
  });
  switch (key) {
    case "ArrowLeft":
      return to(row, column - 1);
    case "ArrowRight":
      return to(row, column + 1);
    case "ArrowUp":
      return to(row - 1, column);
    case "ArrowDown":
      return to(row + 1, column);
    case "PageUp":
      return to(row - page, column);
    case "PageDown":
      return to(row + page, column);
    case "Home":
      return to(row, 0);
    case "End":
      return to(row, last.column);
    case "f":
      return failureBefore(rows, columns, row, column < 0 ? columns.length : column);
    default:
      return null;
  }
}

function failureBefore(
  rows: readonly GridRow[],
  columns: readonly GridRun[],
  row: number,
  column: number,
): Spot | null {
  for (let c = Math.min(column, columns.length - 1); c >= 0; c -= 1) {
    const run = columns[c];
    if (!run || !/[fu]/.test(run.cells)) continue;
    for (let r = c === column ? row + 1 : 0; r < rows.length; r += 1) {
      const each = rows[r];
      if (each && cellAt(run, each) === "f" && (each.kind !== "group" || each.folded)) return { row: r, column: c };
    }
  }
  return null;
}
