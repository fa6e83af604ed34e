/** Everything else that is known of a run. */

import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Time } from "@/design/time";
import { duration } from "@/design/words";
import { Part } from "@/run/overview";
import { ErrorView } from "@/run/problem";
import type { RunDetail } from "@/run/types";
import { JsonTree } from "@/values/json-tree";
import css from "./panel.module.css";
import page from "./run.module.css";

export function Details({ run }: { run: RunDetail }) {
  const facts: [string, ReactNode][] = [
    ["Run", <code key="id">{run.run_id}</code>],
    ["Version", <code key="v">{run.version}</code>],
    ["Trigger", run.trigger],
    ["Started by", run.actor],
    ["Reason", run.reason],
    ["Created", <Time key="c" us={run.created_us} form="moment" />],
    ["Started", run.started_us ? <Time key="s" us={run.started_us} form="moment" /> : ""],
    ["Finished", run.finished_us ? <Time key="f" us={run.finished_us} form="moment" /> : ""],
    ["Waited", run.started_us ? duration(run.started_us - run.created_us) : ""],
    ["Logical time", run.logical_us ? <Time key="l" us={run.logical_us} form="moment" /> : ""],
    ["Data interval", run.interval_start_us ? <Interval key="i" run={run} /> : ""],
    [
      "Backfill",
      run.backfill_id && (
        <Link key="b" to="/backfills" search={{ id: run.backfill_id }}>
          {run.backfill_id}
        </Link>
      ),
    ],
    [
      "Repeats",
      run.origin_run && (
        <Link key="o" to="/runs/$runId" params={{ runId: run.origin_run }} search={{}}>
          {run.origin_run}
        </Link>
      ),
    ],
    ["Priority", run.priority || ""],
    ["Carried out by", run.owner && <code key="w">{run.owner}</code>],
    [
      "Tags",
      Object.entries(run.tags)
        .map(([name, value]) => `${name}: ${value}`)
        .join(", "),
    ],
  ];
  return (
    <div className={`${page.padded} ${css.stack}`}>
      {run.error && <ErrorView error={run.error} />}
      <Part title="Parameters">
        {Object.keys(run.parameters).length ? (
          <JsonTree value={run.parameters} open={2} />
        ) : (
          <p className={css.none}>It was given none.</p>
        )}
      </Part>
      <Part title="Facts">
        <dl className={css.dl}>
          {facts.map(([name, value]) =>
            value ? (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ) : null,
          )}
        </dl>
      </Part>
    </div>
  );
}

function Interval({ run }: { run: RunDetail }) {
  return (
    <>
      <Time us={run.interval_start_us} form="moment" /> to <Time us={run.interval_end_us} form="moment" />
    </>
  );
}
