/** Where the time went: a bar for each task run on one axis, the critical path marked, only the rows in sight drawn. */

import { useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useMemo, useRef, useState, type CSSProperties, type KeyboardEvent } from "react";
import { asProblem } from "@/api/problem";
import { Button } from "@/design/button";
import { Empty } from "@/design/empty";
import { Toggle } from "@/design/field";
import { ProblemBox } from "@/design/problem-box";
import { Skeleton } from "@/design/skeleton";
import { StateIcon, toneOf, wordOf } from "@/design/state";
import { useNowUs } from "@/design/time";
import { duration, plural, taskName } from "@/design/words";
import { timelineQuery } from "@/run/queries";
import {
  chain,
  extent,
  markLabel,
  marks,
  ordered,
  own,
  pan,
  place,
  withoutMaps,
  zoom,
  type Span,
} from "@/run/timeline-model";
import type { RunDetail, TimelineBar } from "@/run/types";
import css from "./timeline.module.css";

const ROW = 26;

interface TimelineProps {
  run: RunDetail;
  selected: string;
  open: (task: string, index: string) => void;
}

export function TimelineView({ run, selected, open }: TimelineProps) {
  const timeline = useQuery(timelineQuery(run.run_id));
  const live = run.finished_us === 0;
  const now = useNowUs(live ? 1 : 86_400);
  const [onlyCritical, setOnlyCritical] = useState(false);
  const [chosen, setChosen] = useState<Span | "all" | null>(null);
  const room = useRef<HTMLDivElement>(null);
  const bars = timeline.data?.bars;
  const path = useMemo(() => chain(bars ?? []), [bars]);
  const rows = useMemo(
    () => ordered(withoutMaps(bars ?? [])).filter((bar) => !onlyCritical || path.has(bar)),
    [bars, onlyCritical, path],
  );
  const whole = useMemo(
    () => extent(bars ?? [], now, run.started_us, run.finished_us),
    [bars, now, run.started_us, run.finished_us],
  );
  const first = useMemo(() => own(whole, bars ?? [], run.started_us), [whole, bars, run.started_us]);
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => room.current,
    estimateSize: () => ROW,
    overscan: 12,
  });
  if (timeline.error) return <ProblemBox problem={asProblem(timeline.error)} />;
  if (!timeline.data) {
    return (
      <div className={css.loading}>
        <Skeleton rows={10} height={20} />
      </div>
    );
  }
  if (rows.length === 0 && !onlyCritical)
    return <Empty title="Nothing has started yet">Bars appear as soon as a task is ready.</Empty>;
  const window = chosen === "all" ? whole : (chosen ?? first);
  const takenOver = first.from > whole.from;
  const axis = marks(window, first.from, 7);
  const keys = (event: KeyboardEvent) => {
    const move = {
      "+": () => zoom(window, whole, 0.5, 0.5),
      "-": () => zoom(window, whole, 2, 0.5),
      "0": () => null,
      ArrowLeft: () => pan(window, whole, -0.2),
      ArrowRight: () => pan(window, whole, 0.2),
    }[event.key];
    if (!move || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    setChosen(move());
  };
  return (
    <div className={css.timeline} onKeyDown={keys}>
      <div className={css.tools}>
        <span className={css.note}>
          {path.size > 0 && (
            <>
              <i className={css.key} /> Critical path: {plural(path.size, "task run")}. What is faster elsewhere does
              not make the run faster.{" "}
            </>
          )}
          A thin line before a bar is waiting.{takenOver && " What was taken over from the run before stands left of 0."}
        </span>
        <Toggle on={onlyCritical} change={setOnlyCritical}>
          Critical path only
        </Toggle>
        <Button icon aria-label="Zoom out" onClick={() => setChosen(zoom(window, whole, 2, 0.5))}>
          −
        </Button>
        <Button icon aria-label="Zoom in" onClick={() => setChosen(zoom(window, whole, 0.5, 0.5))}>
          +
        </Button>
        {takenOver && (
          <Button disabled={!chosen} onClick={() => setChosen(null)}>
            This run
          </Button>
        )}
        <Button disabled={takenOver ? chosen === "all" : !chosen} onClick={() => setChosen(takenOver ? "all" : null)}>
          All
        </Button>
      </div>
      <div className={css.axis} aria-hidden="true">
        <span />
        <div>
          {axis.map((mark) => (
            <span key={mark.at} style={{ left: `${place(window, mark.at) * 100}%` }}>
              {place(window, mark.at) < 0.94 && markLabel(mark.seconds)}
            </span>
          ))}
        </div>
      </div>
      <div
        ref={room}
        className={css.room}
        role="list"
        aria-label="Task runs by start"
        tabIndex={0}
        onWheel={(event) => {
          if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
          const box = event.currentTarget.getBoundingClientRect();
          const at = Math.min(1, Math.max(0, (event.clientX - box.left - 240) / Math.max(1, box.width - 240)));
          setChosen(
            event.shiftKey
              ? pan(window, whole, event.deltaY / 1000)
              : zoom(window, whole, event.deltaY > 0 ? 1.25 : 0.8, at),
          );
        }}
      >
        <div className={css.inner} style={{ height: list.getTotalSize() }}>
          {axis.map((mark) => (
            <i
              key={mark.at}
              className={css.line}
              style={{ left: `calc(var(--names) + (100% - var(--names)) * ${place(window, mark.at)})` }}
            />
          ))}
          {list.getVirtualItems().map((item) => {
            const bar = rows[item.index];
            if (!bar) return null;
            const name = taskName(bar.task, bar.index);
            return (
              <Row
                key={`${name}:${bar.count}:${bar.started_us}`}
                bar={bar}
                critical={path.has(bar)}
                top={item.start}
                from={window.from}
                to={window.to}
                now={now}
                selected={name === selected}
                open={open}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

interface RowProps {
  bar: TimelineBar;
  critical: boolean;
  top: number;
  from: number;
  to: number;
  now: number;
  selected: boolean;
  open: (task: string, index: string) => void;
}

const Row = memo(function Row({ bar, critical, top, from, to, now, selected, open }: RowProps) {
  const window = { from, to };
  const end = bar.finished_us || (bar.started_us ? now : 0);
  const name = bar.count > 1 ? `${bar.task} × ${bar.count.toLocaleString()}` : taskName(bar.task, bar.index);
  const waited = bar.ready_us && bar.started_us ? bar.started_us - bar.ready_us : 0;
  const took = bar.started_us ? duration(Math.max(0, end - bar.started_us)) : "";
  const words = [
    name,
    wordOf(bar.state),
    took,
    waited > 1000 ? `waited ${duration(waited)}` : "",
    critical ? "on the critical path" : "",
  ]
    .filter(Boolean)
    .join(", ");
  const clip = (at: number) => Math.min(1, Math.max(0, place(window, at)));
  const [left, right] = [clip(bar.started_us), clip(end)];
  const queued = clip(bar.ready_us || bar.started_us);
  const isLeft = bar.finished_us > 0 && bar.finished_us <= from;
  return (
    <div role="listitem" className={css.item} style={{ transform: `translateY(${top}px)` }}>
      <button
        type="button"
        className={css.row}
        data-selected={selected}
        data-critical={critical}
        data-tone={toneOf(bar.state)}
        title={words}
        onClick={() => open(bar.task, bar.index.join("."))}
      >
        <span className={css.name}>
          <StateIcon state={bar.state} size={12} />
          <span aria-hidden="true">{name}</span>
          <span className="visually-hidden">{words}</span>
        </span>
        <span className={css.track} aria-hidden="true">
          {bar.started_us > 0 && waited > 0 && !isLeft && (
            <i className={css.wait} style={{ left: `${queued * 100}%`, width: `${(left - queued) * 100}%` }} />
          )}
          {bar.started_us > 0 && !isLeft && (
            <i
              className={css.bar}
              data-open={bar.finished_us === 0}
              style={{ left: `${left * 100}%`, width: `max(2px, ${(right - left) * 100}%)` }}
            />
          )}
          {took && (
            <span className={css.took} data-inside={right > 0.88 && left < 0.12} data-before={right > 0.88 && left >= 0.12} style={tookAt(left, right)}>
              <span>{isLeft ? `‹ ${took}` : took}</span>
            </span>
          )}
        </span>
      </button>
    </div>
  );
});

/** Beside the bar; before it where there is no room behind it, inside of it where there is none at all. */
function tookAt(left: number, right: number): CSSProperties {
  if (right <= 0.88) return { left: `${right * 100}%`, paddingLeft: 6 };
  if (left >= 0.12) return { right: `${(1 - left) * 100}%`, paddingRight: 6 };
  return { right: `${(1 - right) * 100}%`, paddingRight: 6 };
}
