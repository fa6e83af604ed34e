/** Rows of the last materializations with what was expected of each, and where its columns changed. */

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import type { KeyboardEvent } from "react";
import { useState } from "react";
import { asProblem } from "@/api/problem";
import type { AssetMeasures } from "@/api/types";
import { drawn, HEIGHT, WIDTH, type Dot } from "@/assets/measures-model";
import { measuresQuery } from "@/assets/queries";
import { Section } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { Time } from "@/design/time";
import { moment, plural, shortId } from "@/design/words";
import { figure } from "@/values/plot";
import css from "./measures.module.css";

export function Measures({ asset, partition }: { asset: string; partition: string }) {
  const asked = useQuery(measuresQuery(asset, partition));
  if (asked.error && !asked.data) return <ProblemBox problem={asProblem(asked.error)} />;
  const data = asked.data;
  if (!data) return null;
  const counted = data.points.filter((point) => point.rows !== null).length;
  if (counted < 2 && data.changes.length === 0) return null;
  return (
    <Section title="Rows and columns" note={counted > 1 && `the last ${plural(counted, "materialization")}`}>
      {counted > 1 && <Chart data={data} />}
      {data.changes.length > 0 && <Changes data={data} />}
    </Section>
  );
}

function Chart({ data }: { data: AssetMeasures }) {
  const navigate = useNavigate();
  const [at, setAt] = useState(-1);
  const { line, band, dots, low, high } = drawn(data.points);
  const dot: Dot | undefined = dots[at] ?? dots[dots.length - 1];
  const open = (each: Dot) => void navigate({ to: "/runs/$runId", params: { runId: each.point.run_id }, search: {} });
  const down = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setAt((old) => Math.max(0, Math.min(dots.length - 1, (old < 0 ? dots.length - 1 : old) + step)));
    } else if (event.key === "Enter" && dot) open(dot);
  };
  const odd = dots.filter((each) => each.point.level !== "ok").length;
  const words = `Rows from ${figure(Math.floor(low))} to ${figure(Math.ceil(high))}${odd ? `, ${plural(odd, "time")} unlike what was expected` : ""}`;
  return (
    <figure className={css.figure}>
      <div className={css.plot} role="group" tabIndex={0} aria-label={`${words}. Arrows move, Enter opens the run.`} onKeyDown={down} onMouseLeave={() => setAt(-1)}>
        <span className={css.high}>{figure(Math.ceil(high))}</span>
        <span className={css.low}>{figure(Math.floor(low))}</span>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          {band && <path d={band} className={css.band} />}
          <path d={line} className={css.line} />
        </svg>
        {dots.map((each, index) => (
          <i
            key={each.point.at_us + each.point.run_id + each.point.partition}
            className={css.dot}
            data-level={each.point.level}
            data-current={each === dot && at >= 0}
            style={{ left: `${(100 * each.x) / WIDTH}%`, top: `${(100 * each.y) / HEIGHT}%` }}
            onMouseEnter={() => setAt(index)}
            onClick={() => open(each)}
          />
        ))}
      </div>
      {dot && <Caption dot={dot} />}
    </figure>
  );
}

function Caption({ dot: { point } }: { dot: Dot }) {
  return (
    <figcaption className={css.caption} data-level={point.level}>
      <b>{plural(point.rows ?? 0, "row")}</b>
      {point.partition && <code>{point.partition}</code>}
      <span>{moment(point.at_us)}</span>
      <Link to="/runs/$runId" params={{ runId: point.run_id }}>
        run <code title={point.run_id}>{shortId(point.run_id)}</code>
      </Link>
      {point.low !== null && point.high !== null && (
        <span>
          expected {figure(Math.round(point.low))} to {figure(Math.round(point.high))}
        </span>
      )}
      {point.level !== "ok" && <strong>{point.level === "error" ? "far from what was expected" : "unlike what was expected"}</strong>}
      {point.reviewed && <span>{point.reviewed === "normal" ? "called normal" : "an anomaly: it teaches nothing"}</span>}
    </figcaption>
  );
}

function Changes({ data }: { data: AssetMeasures }) {
  return (
    <ol className={css.changes} aria-label="Changes of columns">
      {data.changes.toReversed().map((change) => (
        <li key={change.at_us + change.run_id}>
          <span className={css.columns}>
            {change.added.map((each) => (
              <ins key={each}>+ {each}</ins>
            ))}
            {change.removed.map((each) => (
              <del key={each}>− {each}</del>
            ))}
            {change.retyped.map((each) => (
              <span key={each}>{each}</span>
            ))}
          </span>
          <Link to="/runs/$runId" params={{ runId: change.run_id }}>
            run <code title={change.run_id}>{shortId(change.run_id)}</code>
          </Link>
          <span className={css.when}>
            <Time us={change.at_us} />
          </span>
        </li>
      ))}
    </ol>
  );
}
