/** How long runs took, over time: what became slow, and since which version. */

import "uplot/dist/uPlot.min.css";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useEffectEvent, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import { asProblem } from "@/api/problem";
import { Empty } from "@/design/empty";
import { SelectField } from "@/design/field";
import { ProblemBox } from "@/design/problem-box";
import { Skeleton } from "@/design/skeleton";
import { toneOf } from "@/design/state";
import { duration, moment, shortVersion } from "@/design/words";
import { durationLabel, STEPS_S, timeLabels } from "@/pipeline/durations-axes";
import { durationsQuery, pipelineGraphQuery } from "@/pipeline/queries";
import type { Durations, RunState } from "@/run/types";
import css from "./durations.module.css";

const LIMITS = ["100", "500", "1000"];

interface DurationsProps {
  name: string;
  task: string;
  limit: string;
  go: (next: { task?: string; limit?: string }) => void;
}

export function DurationsView({ name, task, limit, go }: DurationsProps) {
  const most = LIMITS.includes(limit) ? limit : "100";
  const durations = useQuery(durationsQuery(name, task, Number(most)));
  const graph = useQuery(pipelineGraphQuery(name));
  const tasks = graph.data?.nodes.filter((node) => node.kind === "task" || node.kind === "flow") ?? [];
  return (
    <div className={css.durations}>
      <div className={css.tools}>
        <SelectField
          label="Of which task"
          value={task}
          change={(value) => go({ task: value || undefined })}
          options={[{ value: "", text: "whole runs" }, ...tasks.map((node) => ({ value: node.id, text: node.label }))]}
        />
        <SelectField
          label="How many"
          value={most === "100" ? "" : most}
          change={(value) => go({ limit: value || undefined })}
          options={LIMITS.map((each) => ({ value: each === "100" ? "" : each, text: `last ${each}` }))}
        />
        {durations.data && durations.data.points.length > 0 && (
          <span className={css.sums}>
            <i data-line="median" /> median <strong>{duration(durations.data.median_us)}</strong> <i data-line="most" /> 95 % under{" "}
            <strong>{duration(durations.data.p95_us)}</strong>
          </span>
        )}
      </div>
      {durations.error && <ProblemBox problem={asProblem(durations.error)} />}
      {durations.isPending && <Skeleton rows={6} />}
      {durations.data && durations.data.points.length === 0 && (
        <Empty title="Nothing has ended yet">Each ended run becomes a bar here.</Empty>
      )}
      {durations.data && durations.data.points.length > 0 && <Chart durations={durations.data} task={task} />}
    </div>
  );
}

function Chart({ durations, task }: { durations: Durations; task: string }) {
  const room = useRef<HTMLDivElement>(null);
  const navigate = useNavigate();
  const [at, setAt] = useState<number | null>(null);
  const points = durations.points;
  const open = useEffectEvent((index: number) => {
    const point = points[index];
    if (point) void navigate({ to: "/runs/$runId", params: { runId: point.run_id }, search: task ? { task } : {} });
  });
  useEffect(() => {
    const element = room.current;
    if (!element) return;
    let under: number | null = null;
    const plot = new uPlot(
      optionsOf(element, durations, (index) => setAt((under = index))),
      dataOf(durations),
      element,
    );
    const click = () => under !== null && open(under);
    plot.over.addEventListener("click", click);
    const watcher = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: heightOf(element) }));
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      plot.destroy();
    };
  }, [durations]);
  const point = at === null ? undefined : points[at];
  const slowest = useMemo(() => [...points].sort((a, b) => b.duration_us - a.duration_us).slice(0, 5), [points]);
  return (
    <>
      <div
        ref={room}
        className={css.chart}
        role="img"
        aria-label={`Durations of ${points.length} runs, median ${duration(durations.median_us)}`}
      />
      <p className={css.point} aria-live="off">
        {point
          ? `${moment(point.created_us)}: ${duration(point.duration_us)}, waited ${duration(point.queued_us)}, ${point.state}, version ${shortVersion(point.version)}`
          : "Point at a bar for its run, click to open it. A bar with a gap failed; at a dashed line the version changed."}
      </p>
      <h3 className={css.heading}>Slowest of them</h3>
      <ul className={css.slow}>
        {slowest.map((each) => (
          <li key={each.run_id}>
            <button
              type="button"
              onClick={() =>
                void navigate({
                  to: "/runs/$runId/$view",
                  params: { runId: each.run_id, view: "timeline" },
                  search: {},
                })
              }
            >
              <strong>{duration(each.duration_us)}</strong> {moment(each.created_us)} <span>{each.state}</span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

function heightOf(element: HTMLElement): number {
  return Math.max(220, Math.min(380, element.clientWidth * 0.42));
}

/** One series for each outcome, since a series has one colour. */
const OUTCOMES = ["succeeded", "failed", "cancelled"] as const;

function dataOf({ points }: Durations): uPlot.AlignedData {
  const xs = points.map((_, at) => at);
  return [
    xs,
    ...OUTCOMES.map((outcome) =>
      points.map((point) =>
        point.state === outcome || (outcome === "failed" && point.state === "upstream_failed")
          ? point.duration_us / 1e6
          : null,
      ),
    ),
  ];
}

function optionsOf(element: HTMLElement, durations: Durations, point: (at: number | null) => void): uPlot.Options {
  const style = getComputedStyle(element);
  const color = (token: string) => style.getPropertyValue(`--${token}`).trim();
  const { points } = durations;
  const bars = uPlot.paths.bars?.({ size: [0.7, 40, 2] });
  const axis = {
    stroke: color("ink-2"),
    grid: { stroke: color("rule"), width: 1 },
    ticks: { stroke: color("rule") },
    font: "11px 'Archivo Variable', sans-serif",
  };
  return {
    width: element.clientWidth,
    height: heightOf(element),
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { time: false, range: [-0.6, Math.max(points.length - 0.4, 12)] },
      y: { range: (_, __, most) => [0, (most || 1) * 1.08] },
    },
    axes: [
      {
        ...axis,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500],
        values: (_, at) => timeLabels(at.map((each) => points[each]?.created_us ?? 0)),
      },
      { ...axis, size: 64, incrs: STEPS_S, values: (_, seconds) => seconds.map(durationLabel) },
    ],
    series: [
      {},
      ...OUTCOMES.map((outcome) => ({
        label: outcome,
        fill: color(toneOf(outcome as RunState)),
        stroke: color(toneOf(outcome as RunState)),
        width: 0,
        points: { show: false },
        ...(bars ? { paths: bars } : {}),
      })),
    ],
    hooks: {
      setCursor: [(plot) => point(plot.cursor.idx ?? null)],
      draw: [(plot) => marks(plot, durations, color)],
    },
  };
}

/** Median and 95th percentile as lines, changes of version as dashes. */
function marks(plot: uPlot, { points, median_us, p95_us }: Durations, color: (token: string) => string): void {
  const pen = plot.ctx;
  const { left, top, width, height } = plot.bbox;
  pen.save();
  pen.lineWidth = devicePixelRatio;
  for (const [us, dash] of [
    [median_us, []],
    [p95_us, [2, 4]],
  ] as const) {
    const y = plot.valToPos(us / 1e6, "y", true);
    pen.strokeStyle = color("ink");
    pen.setLineDash([...dash].map((each) => each * devicePixelRatio));
    pen.beginPath();
    pen.moveTo(left, y);
    pen.lineTo(left + width, y);
    pen.stroke();
  }
  gaps(plot, points, color("paper"));
  pen.strokeStyle = color("copper");
  pen.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  points.forEach((point, at) => {
    if (at === 0 || points[at - 1]?.version === point.version) return;
    const x = plot.valToPos(at - 0.5, "x", true);
    pen.beginPath();
    pen.moveTo(x, top);
    pen.lineTo(x, top + height);
    pen.stroke();
  });
  pen.restore();
}

/** A failure is seen without its colour: a gap near the top of its bar, above one that has no room for it a cross. */
function gaps(plot: uPlot, points: Durations["points"], ground: string): void {
  const pen = plot.ctx;
  const ratio = devicePixelRatio;
  const bottom = plot.valToPos(0, "y", true);
  const half = Math.min(Math.abs(plot.valToPos(0.35, "x", true) - plot.valToPos(0, "x", true)), 20 * ratio);
  points.forEach((point, at) => {
    if (point.state !== "failed" && point.state !== "upstream_failed") return;
    const [x, y] = [plot.valToPos(at, "x", true), plot.valToPos(point.duration_us / 1e6, "y", true)];
    if (bottom - y > 10 * ratio) {
      pen.fillStyle = ground;
      pen.fillRect(x - half - ratio, y + 4 * ratio, 2 * (half + ratio), 2 * ratio);
      return;
    }
    const arm = 2.5 * ratio;
    const middle = y - 6 * ratio;
    pen.strokeStyle = getComputedStyle(plot.root).getPropertyValue("--failed");
    pen.setLineDash([]);
    pen.beginPath();
    pen.moveTo(x - arm, middle - arm);
    pen.lineTo(x + arm, middle + arm);
    pen.moveTo(x + arm, middle - arm);
    pen.lineTo(x - arm, middle + arm);
    pen.stroke();
  });
}
