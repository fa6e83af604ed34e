/** The lanes of a day. Only those in sight are drawn, and each draws at most as many bars as it has room for. */

import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Day } from "@/api/types";
import { toneOf, wordOf } from "@/design/state";
import { clock, duration, plural, scheduleOf } from "@/design/words";
import { dueOf, hours, lanesOf, type Bar, type Lane, type Planned } from "@/day/lanes";
import css from "./page.module.css";

const ROW = 16;
const PAD = 12;
/** Bars closer than this cannot be told apart, nor hit. */
const FINEST_PX = 5;

export function Timeline({ day, fromUs, toUs, nowUs }: { day: Day; fromUs: number; toUs: number; nowUs: number }) {
  const scroller = useRef<HTMLDivElement>(null);
  const width = useWidth(scroller);
  const lanes = useMemo(
    () => lanesOf(day, nowUs, (FINEST_PX / Math.max(300, width - 200)) * (toUs - fromUs)),
    [day, nowUs, width, fromUs, toUs],
  );
  const virtual = useVirtualizer({
    count: lanes.length,
    getScrollElement: () => scroller.current,
    estimateSize: (at) => (lanes[at]?.rows ?? 1) * ROW + PAD,
    overscan: 6,
    getItemKey: (at) => lanes[at]?.pipeline ?? at,
  });
  useEffect(() => virtual.measure(), [virtual, lanes]);
  const share = (us: number) => `${(100 * (Math.min(toUs, Math.max(fromUs, us)) - fromUs)) / (toUs - fromUs)}%`;
  const marks = hours(fromUs, toUs, width < 700 ? 6 : width < 1100 ? 3 : 2);
  return (
    <div className={css.scroller} ref={scroller} tabIndex={0} role="region" aria-label="Timeline">
      <div className={css.axis} aria-hidden="true">
        <span />
        <div>
          {marks.map((us) => (
            <span key={us} style={{ left: share(us) }}>
              {new Date(us / 1_000).getHours() === 0 ? midnight(us) : clock(us)}
            </span>
          ))}
        </div>
      </div>
      <div className={css.canvas} style={{ height: virtual.getTotalSize() }}>
        <div className={css.lines} aria-hidden="true">
          {marks.map((us) => (
            <i key={us} style={{ left: share(us) }} />
          ))}
          {nowUs >= fromUs && nowUs < toUs && <b style={{ left: share(nowUs) }} title="Now" />}
        </div>
        <ul>
          {virtual.getVirtualItems().map((item) => {
            const lane = lanes[item.index];
            return (
              lane && (
                <li key={item.key} className={css.lane} style={{ height: item.size, transform: `translateY(${item.start}px)` }}>
                  <LaneRow lane={lane} share={share} />
                </li>
              )
            );
          })}
        </ul>
      </div>
    </div>
  );
}

function LaneRow({ lane, share }: { lane: Lane; share: (us: number) => string }) {
  return (
    <>
      <Link to="/pipelines/$name" params={{ name: lane.pipeline }} className={css.name}>
        {lane.pipeline}
      </Link>
      <div className={css.track}>
        {lane.bars.map((bar) => (
          <BarLink key={bar.key} bar={bar} pipeline={lane.pipeline} share={share} />
        ))}
        {lane.planned.map((planned) => (
          <PlannedMark key={planned.key} planned={planned} share={share} />
        ))}
      </div>
    </>
  );
}

function BarLink({ bar, pipeline, share }: { bar: Bar; pipeline: string; share: (us: number) => string }) {
  const [run] = bar.runs;
  const style = { left: share(bar.fromUs), width: `max(4px, calc(${share(bar.toUs)} - ${share(bar.fromUs)}))`, top: PAD / 2 + bar.row * ROW };
  const words = `${bar.runs.length > 1 ? `${plural(bar.runs.length, "run")}, worst ` : ""}${wordOf(bar.state)} · ${clock(bar.fromUs)} · ${duration(bar.toUs - bar.fromUs)}`;
  const shared = { className: css.bar, "data-tone": toneOf(bar.state), "data-state": bar.state, style, title: words, "aria-label": `${pipeline}: ${words}` };
  if (bar.runs.length > 1 || !run) {
    return <Link to="/runs" search={{ pipeline, from: new Date(bar.fromUs / 1_000).toISOString(), to: new Date(bar.toUs / 1_000 + 1_000).toISOString() }} {...shared} />;
  }
  return <Link to="/runs/$runId" params={{ runId: run.run_id }} preload={false} {...shared} />;
}

/** A diamond for one tick, a bar with their number where many stand too close. */
function PlannedMark({ planned, share }: { planned: Planned; share: (us: number) => string }) {
  const { fromUs, toUs, ticks } = planned;
  const names = [...new Set(ticks.map((tick) => scheduleOf(tick.schedule) || "schedule"))].join(", ");
  const [first] = ticks;
  if (ticks.length === 1 && first) return <i className={css.tick} style={{ left: share(fromUs) }} title={`${clock(dueOf(first))} · ${names}, planned`} />;
  const count = `${ticks.length.toLocaleString()} planned`;
  return (
    <span
      className={css.ticks}
      style={{ left: share(fromUs), width: `max(10px, calc(${share(toUs)} - ${share(fromUs)}))` }}
      title={`${clock(fromUs)} to ${clock(toUs)} · ${names}, ${count}`}
    >
      <span>{count}</span>
    </span>
  );
}

function midnight(us: number): string {
  return new Date(us / 1_000).toLocaleDateString(undefined, { weekday: "short", day: "numeric" });
}

function useWidth(ref: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(1000);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.round(entry.contentRect.width / 50) * 50));
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return width;
}
