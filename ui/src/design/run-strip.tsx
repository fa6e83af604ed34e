/** A pipeline's last runs as a rail of bars: height tells the duration, colour and cap the outcome, newest at the right. */

import { Link } from "@tanstack/react-router";
import { memo } from "react";
import type { RunBar } from "@/api/types";
import { duration, moment } from "@/design/words";
import { isLive, toneOf, wordOf } from "@/design/state";
import css from "./run-strip.module.css";

export const RunStrip = memo(function RunStrip({ runs, pipeline, room = 24 }: { runs: readonly RunBar[]; pipeline: string; room?: number }) {
  const shown = runs.slice(-room);
  const longest = Math.max(1, ...shown.map(length));
  if (shown.length === 0) return <span className={css.none}>no runs yet</span>;
  return (
    <span className={css.strip} style={{ width: room * 8 }} role="group" aria-label={`Last runs of ${pipeline}`}>
      {shown.map((run) => (
        <Link
          key={run.run_id}
          to="/runs/$runId"
          params={{ runId: run.run_id }}
          preload={false}
          className={css.bar}
          data-tone={toneOf(run.state)}
          data-state={run.state}
          data-live={isLive(run.state)}
          aria-label={`${wordOf(run.state)}, ${moment(run.created_us)}`}
          title={`${wordOf(run.state)} · ${moment(run.created_us)}${run.finished_us ? ` · ${duration(length(run))}` : ""}`}
        >
          <i style={{ height: `${run.finished_us ? 28 + 72 * Math.sqrt(length(run) / longest) : 60}%` }} />
        </Link>
      ))}
    </span>
  );
});

function length(run: RunBar): number {
  return run.started_us && run.finished_us ? run.finished_us - run.started_us : 0;
}
