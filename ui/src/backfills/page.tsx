/** Backfills: plans of runs over many slices, how far each is, and a way to end one. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { seg } from "@/api/client";
import { asProblem } from "@/api/problem";
import { backfillsQuery } from "@/api/queries";
import { RUN_STATES, type Backfill, type RunState } from "@/api/types";
import { Confirm, type Action } from "@/app/confirm";
import { Button } from "@/design/button";
import { Empty } from "@/design/empty";
import { Page } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { PageSkeleton } from "@/design/skeleton";
import { StateMark } from "@/design/state";
import { Time } from "@/design/time";
import { plural } from "@/design/words";
import { BackfillDetail } from "./detail";
import css from "./page.module.css";

const route = getRouteApi("/backfills");
const REFRESH_MS = 3_000;

export function BackfillsPage() {
  const { id } = route.useSearch();
  const cache = useQueryClient();
  const [action, setAction] = useState<Action | null>(null);
  const backfills = useQuery({
    ...backfillsQuery,
    refetchInterval: (query) => (query.state.data?.items.some((backfill) => backfill.state === "running") ? REFRESH_MS : false),
  });
  const items = backfills.data?.items ?? [];
  const cancel = (backfill: Backfill) =>
    setAction({
      title: "End the backfill",
      path: `/backfills/${seg(backfill.id)}/cancel`,
      words: `It starts none of the ${plural(backfill.total - backfill.started, "slice")} that are left, and cancels those of its runs that have not ended.`,
      danger: true,
      said: () => "The backfill starts nothing more",
      done: () => void cache.invalidateQueries({ queryKey: ["backfills"] }),
    });
  const again = () => void cache.invalidateQueries({ queryKey: ["backfills"] });
  const retry = (backfill: Backfill) =>
    setAction({
      title: "Make again what failed",
      path: `/backfills/${seg(backfill.id)}/retry`,
      words: `It starts ${plural(backfill.failed + backfill.skipped, "slice")} again, those that failed or were held back, and nothing else. The code is that of the plan.`,
      said: () => "What failed starts again",
      done: again,
    });
  const pause = (backfill: Backfill) =>
    setAction({
      title: backfill.paused ? "Go on with the backfill" : "Pause the backfill",
      path: `/backfills/${seg(backfill.id)}/${backfill.paused ? "resume" : "pause"}`,
      words: backfill.paused ? "It starts what is left." : "It starts nothing more until somebody resumes it. What runs goes on.",
      said: () => (backfill.paused ? "The backfill goes on" : "The backfill is paused"),
      done: again,
    });
  return (
    <Page title="Backfills" note={items.length > 0 && plural(items.length, "backfill")}>
      {backfills.isPending && <PageSkeleton />}
      {backfills.error && !backfills.data && <ProblemBox problem={asProblem(backfills.error)} />}
      {backfills.data && items.length === 0 && (
        <Empty title="No backfill yet" command="toque backfill PIPELINE --from 2026-11-01 --to 2026-11-08 --dry-run">
          A backfill runs a schedule&rsquo;s ticks of a range again, or makes partitions of assets. The schedules of a
          pipeline&rsquo;s page start one, an asset&rsquo;s page does, or:
        </Empty>
      )}
      <ul className={css.list}>
        {items.map((backfill) => (
          <BackfillRow key={backfill.id} backfill={backfill} isMeant={backfill.id === id} does={{ cancel, retry, pause }} />
        ))}
      </ul>
      {action && <Confirm action={action} close={() => setAction(null)} />}
    </Page>
  );
}

/** A backfill ends as its runs did; a dry run is only planned. */
function isRunState(state: string): state is RunState {
  return (RUN_STATES as readonly string[]).includes(state);
}

type Does = Readonly<Record<"cancel" | "retry" | "pause", (backfill: Backfill) => void>>;

function BackfillRow({ backfill, isMeant, does }: { backfill: Backfill; isMeant: boolean; does: Does }) {
  const { total, started, succeeded, failed, skipped, fresh } = backfill;
  const isOfAssets = backfill.stages.length > 0;
  const share = (count: number) => ({ width: `${total ? (100 * count) / total : 0}%` });
  return (
    <li className={css.row} data-meant={isMeant}>
      {isOfAssets ? <OfAssets backfill={backfill} isMeant={isMeant} /> : <OfSchedule backfill={backfill} />}
      <div className={css.progress}>
        <div className={css.bar} role="img" aria-label={`${started} of ${total} started, ${succeeded} succeeded, ${failed} failed`}>
          <i data-tone="succeeded" style={share(succeeded + fresh)} />
          <i data-tone="failed" style={share(failed)} />
          <i data-tone="skipped" style={share(skipped)} />
          <i data-tone="running" style={share(started - succeeded - failed - skipped - fresh)} />
        </div>
        <span className={css.counts}>
          <span>
            {started} of {plural(total, "slice")} started
          </span>
          {succeeded > 0 && <StateMark state="succeeded" count={succeeded} />}
          {failed > 0 && <StateMark state="failed" count={failed} />}
          {skipped > 0 && <span>{skipped} held back</span>}
          {fresh > 0 && <span>{fresh} fresh already</span>}
        </span>
      </div>
      <span className={css.state}>
        <b>{backfill.paused && backfill.state === "running" ? "paused" : isRunState(backfill.state) ? <StateMark state={backfill.state} /> : backfill.state}</b>
        <span className={css.quiet}>
          <Time us={backfill.created_us} /> {backfill.actor && `by ${backfill.actor}`}
        </span>
      </span>
      <span className={css.do}>
        {backfill.state === "running" && (
          <>
            <Button onClick={() => does.pause(backfill)}>{backfill.paused ? "Go on" : "Pause"}</Button>
            <Button onClick={() => does.cancel(backfill)}>End it</Button>
          </>
        )}
        {isOfAssets && backfill.state !== "running" && (failed > 0 || skipped > 0) && (
          <Button onClick={() => does.retry(backfill)}>Retry failed</Button>
        )}
      </span>
      {isMeant && isOfAssets && <BackfillDetail backfill={backfill} />}
    </li>
  );
}

function OfSchedule({ backfill }: { backfill: Backfill }) {
  return (
    <div className={css.what}>
      <Link to="/pipelines/$name/$view" params={{ name: backfill.pipeline, view: "schedules" }} className={css.name}>
        {backfill.pipeline} {backfill.schedule && <span className={css.quiet}>{backfill.schedule}</span>}
      </Link>
      <span className={css.quiet}>
        <Time us={backfill.from_us} form="day" /> to <Time us={backfill.to_us} form="day" />
        {backfill.reverse && ", newest first"} · {backfill.max_active} at once
      </span>
    </div>
  );
}

function OfAssets({ backfill, isMeant }: { backfill: Backfill; isMeant: boolean }) {
  const assets = backfill.stages.flatMap((stage) => stage.assets);
  return (
    <div className={css.what}>
      <Link to="/backfills" search={isMeant ? {} : { id: backfill.id }} className={css.name} aria-expanded={isMeant}>
        {backfill.selection}
      </Link>
      <span className={css.quiet}>
        {plural(assets.length, "asset")} {backfill.partitions && <code>{backfill.partitions}</code>} · {backfill.max_active} at once
      </span>
    </div>
  );
}
