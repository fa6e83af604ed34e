/** When this pipeline starts by itself: the rule in words, what it will do next, and what became of each tick. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { seg } from "@/api/client";
import { asProblem } from "@/api/problem";
import { Button } from "@/design/button";
import { Empty } from "@/design/empty";
import { Icon } from "@/design/icon";
import { ProblemBox } from "@/design/problem-box";
import { Skeleton } from "@/design/skeleton";
import { Time, useNowUs } from "@/design/time";
import { shortId, span } from "@/design/words";
import { BackfillForm } from "@/pipeline/backfill-form";
import { nextTicksQuery, ticksQuery } from "@/pipeline/queries";
import { useActions } from "@/run/actions";
import type { PipelineDetail, ScheduleSummary, Tick } from "@/run/types";
import { JsonTree } from "@/values/json-tree";
import css from "./schedules.module.css";

export function SchedulesView({ pipeline }: { pipeline: PipelineDetail }) {
  const [filling, setFilling] = useState<string | null>(null);
  if (pipeline.schedules.length === 0) {
    return (
      <Empty title="It starts only when somebody starts it" command={`toque schedule preview "0 7 * * 1-5"`}>
        Give it a rule in its file: <code>@pipeline(schedule="0 7 * * 1-5")</code>. The command shows what a rule means.
      </Empty>
    );
  }
  return (
    <div className={css.schedules}>
      {pipeline.schedules.map((schedule) => (
        <Schedule key={schedule.id} schedule={schedule} fill={() => setFilling(schedule.name)} />
      ))}
      {filling !== null && <BackfillForm pipeline={pipeline.name} schedule={filling} close={() => setFilling(null)} />}
    </div>
  );
}

function Schedule({ schedule, fill }: { schedule: ScheduleSummary; fill: () => void }) {
  const cache = useQueryClient();
  const { offer, dialog } = useActions();
  const ticks = useQuery(ticksQuery(schedule.id));
  const pause = () =>
    offer({
      title: schedule.paused ? "Resume the schedule" : "Pause the schedule",
      path: `/schedules/${seg(schedule.id)}/${schedule.paused ? "unpause" : "pause"}`,
      words: schedule.paused
        ? `It goes on with its next tick. Ticks it missed are handled by its catch-up: ${schedule.catchup}.`
        : "No run starts by this schedule until it is resumed. Runs that are active go on.",
      done: () => void cache.invalidateQueries({ queryKey: ["pipeline", schedule.pipeline] }),
    });
  return (
    <section className={css.schedule}>
      <header>
        <div>
          <h2>{schedule.name}</h2>
          <p className={css.words}>{schedule.words}</p>
          <p className={css.facts}>
            <code>{schedule.rule}</code> <span>{schedule.tz}</span> <span>catch-up: {schedule.catchup}</span>
            {schedule.paused && <strong className={css.paused}>paused</strong>}
          </p>
        </div>
        <div className={css.actions}>
          <Button onClick={pause}>
            <Icon name={schedule.paused ? "play" : "pause"} /> {schedule.paused ? "Resume" : "Pause"}
          </Button>
          <Button onClick={fill}>
            <Icon name="backfills" /> Backfill
          </Button>
        </div>
      </header>
      {Object.keys(schedule.parameters).length > 0 && (
        <div>
          <h3>Starts with</h3>
          <Parameters values={schedule.parameters} />
        </div>
      )}
      <div className={css.columns}>
        <div>
          <h3>Next</h3>
          {schedule.paused ? (
            <p className={css.none}>Paused: none of its ticks starts a run until it is resumed.</p>
          ) : (
            <NextTicks schedule={schedule} />
          )}
        </div>
        <div>
          <h3>What became of each tick</h3>
          {ticks.error && <ProblemBox problem={asProblem(ticks.error)} />}
          {ticks.isPending && <Skeleton rows={4} height={18} />}
          {ticks.data?.items.length === 0 && <p className={css.none}>None has fallen due yet.</p>}
          {ticks.data && ticks.data.items.length > 0 && <Ticks ticks={ticks.data.items} />}
        </div>
      </div>
      {dialog}
    </section>
  );
}

/** Plain values on a line; what holds others unfolds. */
function Parameters({ values }: { values: Record<string, unknown> }) {
  const entries = Object.entries(values);
  if (entries.some(([, value]) => typeof value === "object" && value !== null)) return <JsonTree value={values} />;
  return (
    <p className={css.parameters}>
      {entries.map(([name, value]) => (
        <code key={name}>
          {name}={JSON.stringify(value)}
        </code>
      ))}
    </p>
  );
}

const WEEK_US = 7 * 86_400_000_000;

function NextTicks({ schedule }: { schedule: ScheduleSummary }) {
  const next = useQuery(nextTicksQuery(schedule.pipeline, schedule.name));
  const nowUs = useNowUs(15);
  if (next.error) return <ProblemBox problem={asProblem(next.error)} />;
  if (!next.data) return <Skeleton rows={4} height={18} />;
  if (next.data.ticks.length === 0) return <p className={css.none}>It has no tick left.</p>;
  return (
    <ol className={css.next}>
      {next.data.ticks.map((tick) => (
        <li key={tick.at_us}>
          <Time us={tick.at_us} form="moment" /> {tick.at_us - nowUs < WEEK_US && <Time us={tick.at_us} />}
        </li>
      ))}
    </ol>
  );
}

const TONES: Record<Tick["outcome"], string> = {
  started: "succeeded",
  skipped: "skipped",
  coalesced: "deferred",
  planned: "waiting",
};

export function Ticks({ ticks }: { ticks: readonly Tick[] }) {
  return (
    <div className={css.room}>
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">Tick</th>
            <th scope="col">Data interval</th>
            <th scope="col">Outcome</th>
            <th scope="col">Run or reason</th>
          </tr>
        </thead>
        <tbody>
          {ticks.map((tick) => (
            <tr key={tick.at_us}>
              <td>
                <Time us={tick.at_us} form="moment" />
              </td>
              <td>{tick.start_us ? span(tick.start_us, tick.end_us) : "–"}</td>
              <td className={css.outcome} data-tone={TONES[tick.outcome]}>
                {tick.outcome}
              </td>
              <td>
                {tick.run_id ? (
                  <Link to="/runs/$runId" params={{ runId: tick.run_id }} search={{}}>
                    {shortId(tick.run_id)}
                  </Link>
                ) : null}{" "}
                {tick.reason}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
