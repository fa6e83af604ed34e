/** A run: what it is doing, where its time went, and why something in it failed. */

import { usePrefetchQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";
import { useTopic } from "@/api/live";
import { asProblem } from "@/api/problem";
import { runQuery } from "@/api/queries";
import { useShortcut } from "@/app/keys";
import { Button } from "@/design/button";
import { Icon } from "@/design/icon";
import { Page } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { PageSkeleton, Skeleton } from "@/design/skeleton";
import { StateMark } from "@/design/state";
import { Time, Took } from "@/design/time";
import { exceptionName, moment, shortId, shortVersion, taskName } from "@/design/words";
import { GraphView } from "@/graph/later";
import { useActions, useRunActions } from "@/run/actions";
import { DbtView } from "@/run/dbt-view";
import { Details } from "@/run/details";
import { Indexes } from "@/run/indexes";
import { LatestRows } from "@/run/latest-rows";
import { Menu } from "@/run/menu";
import { Panel } from "@/run/panel";
import { criticalPathQuery, runGraphQuery } from "@/run/queries";
import { TimelineView } from "@/run/timeline";
import type { RunDetail } from "@/run/types";
import { RUN_VIEWS, useFollowed, useRunPlace, type Place, type RunView } from "@/run/use-run";
import css from "./run.module.css";

const NO_PATH: readonly string[] = [];
const NAMES: Record<RunView, string> = { graph: "Graph", timeline: "Timeline", tasks: "Tasks", dbt: "dbt", details: "Details" };

/** Within it a logical time says nothing that the creation did not. */
const MOMENT_US = 1_000_000;

export function RunPage() {
  const place = useRunPlace();
  const run = useQuery(runQuery(place.runId));
  const cache = useQueryClient();
  usePrefetchQuery(runGraphQuery(place.runId));
  const latest = useMemo(() => new LatestRows(cache, place.runId), [cache, place.runId]);
  useEffect(() => latest.follow(), [latest]);
  const isFollowed = useFollowed(place.runId, run.data);
  const told = run.data?.told;
  useTopic(isFollowed ? `run:${place.runId}` : null, (frame) => latest.saw(frame), told?.seq);
  useEffect(() => {
    if (isFollowed && told) latest.begin(told);
  }, [latest, isFollowed, told]);
  if (run.error && !run.data) {
    return (
      <Page title="Run">
        <ProblemBox problem={asProblem(run.error)}>
          <Link to="/runs">All runs</Link>
        </ProblemBox>
      </Page>
    );
  }
  if (!run.data) return <PageSkeleton />;
  // Types of the whole of a run come from the OpenAPI document in both places.
  return <Loaded run={run.data as RunDetail} place={place} />;
}

function Loaded({ run, place }: { run: RunDetail; place: Place }) {
  const { view, search, go, open } = place;
  useShortcut("1", "Graph of the run", () => go({}, "graph"));
  useShortcut("2", "Timeline of the run", () => go({}, "timeline"));
  useShortcut("3", "Tasks of the run", () => go({}, "tasks"));
  useShortcut("4", "Details of the run", () => go({}, "details"));
  const node = run.nodes.find((each) => each.task === search.task);
  const graph = useQuery(runGraphQuery(run.run_id));
  const isMapped = useMemo(() => {
    if (!search.task || search.index) return false;
    const scope = graph.data?.nodes.find((each) => each.id === search.task)?.scope;
    const holder = scope ? graph.data?.nodes.find((each) => each.id === scope) : undefined;
    return holder?.kind === "map" || holder?.kind === "flow" || (node?.total ?? 0) > 1;
  }, [search.task, search.index, graph.data, node?.total]);
  return (
    <Page
      fixed
      title={
        <span className={css.title}>
          <Link to="/pipelines/$name" params={{ name: run.pipeline }} search={{}}>
            {run.pipeline}
          </Link>
          {run.tags["makes"] && <span>{run.tags["makes"]}</span>}
          <code title={run.run_id}>{shortId(run.run_id)}</code>
        </span>
      }
      note={<Facts run={run} />}
      actions={<Actions run={run} />}
      tools={<Views view={view} go={(to) => go({}, to)} run={run} />}
    >
      <div className={css.split} data-panel={search.task ? "open" : "closed"}>
        <div className={css.main}>
          {run.state === "failed" && !search.task && <Failures run={run} open={open} />}
          {view === "graph" && <RunGraph run={run} selected={search.task ?? ""} open={open} />}
          {view === "timeline" && (
            <TimelineView
              run={run}
              selected={search.task ? search.task + (search.index ? `[${search.index}]` : "") : ""}
              open={open}
            />
          )}
          {view === "tasks" && (
            <div className={css.padded}>
              <Indexes
                runId={run.run_id}
                filters={{
                  ...(search.state ? { state: search.state } : {}),
                  ...(search.search && !search.task ? { search: search.search } : {}),
                }}
                change={(next) => go(next)}
                open={open}
              />
            </div>
          )}
          {view === "dbt" && <DbtView run={run} open={open} />}
          {view === "details" && <Details run={run} />}
        </div>
        {search.task && <Panel run={run} place={place} isMapped={isMapped} />}
      </div>
    </Page>
  );
}

function Waiting() {
  return (
    <div className={css.padded}>
      <Skeleton rows={6} />
    </div>
  );
}

function RunGraph({ run, selected, open }: { run: RunDetail; selected: string; open: Place["open"] }) {
  const graph = useQuery(runGraphQuery(run.run_id));
  const path = useQuery({ ...criticalPathQuery(run.run_id), enabled: run.finished_us > 0 });
  if (graph.error) return <ProblemBox problem={asProblem(graph.error)} />;
  if (!graph.data) return <Waiting />;
  const idle = run.finished_us ? "never ran" : "waiting";
  return (
    <GraphView
      graph={graph.data}
      nodes={run.nodes}
      critical={path.data ?? NO_PATH}
      selected={selected}
      select={(task) => open(task)}
      idle={idle}
    />
  );
}

function Facts({ run }: { run: RunDetail }) {
  return (
    <span className={css.facts}>
      <StateMark state={run.state} />
      {run.cancel_requested && run.finished_us === 0 && <span className={css.flag}>being cancelled</span>}
      {run.late && <span className={css.flag}>late</span>}
      <span>
        <Took fromUs={run.started_us || run.created_us} toUs={run.finished_us} />
      </span>
      <span>
        {run.trigger || "manual"}
        {run.actor && ` by ${run.actor}`} · <Time us={run.created_us} />
      </span>
      {Math.abs(run.logical_us - run.created_us) > MOMENT_US && run.logical_us > 0 && (
        <span title="Logical time">for {moment(run.logical_us)}</span>
      )}
      <Link
        to="/pipelines/$name/$view"
        params={{ name: run.pipeline, view: "code" }}
        search={{ version: run.version }}
        title="Version of the pipeline"
      >
        <code>{shortVersion(run.version)}</code>
      </Link>
      {run.origin_run && (
        <Link to="/compare" search={{ a: run.origin_run, b: run.run_id }}>
          repeats {shortId(run.origin_run)}
        </Link>
      )}
    </span>
  );
}

function Actions({ run }: { run: RunDetail }) {
  const { offer, dialog } = useActions();
  const { retry, retryWithNew, rerun, cancel, suspend, resume } = useRunActions(run);
  useShortcut(
    "r",
    (retryWithNew ?? retry ?? rerun).title,
    () => offer(retryWithNew ?? retry ?? rerun),
    run.finished_us > 0,
  );
  const more = [retry && rerun, suspend].filter((each) => each !== null);
  return (
    <>
      {retryWithNew && (
        <Button kind="primary" onClick={() => offer(retryWithNew)}>
          <Icon name="retry" /> {retryWithNew.title}
        </Button>
      )}
      {retry && (
        <Button {...(retryWithNew ? {} : { kind: "primary" as const })} onClick={() => offer(retry)}>
          <Icon name="retry" /> {retry.title}
        </Button>
      )}
      {resume && (
        <Button kind="primary" onClick={() => offer(resume)}>
          <Icon name="play" /> {resume.title}
        </Button>
      )}
      {cancel && (
        <Button kind="danger" onClick={() => offer(cancel)}>
          <Icon name="stop" /> {cancel.title}
        </Button>
      )}
      {!retry && run.finished_us > 0 && (
        <Button onClick={() => offer(rerun)}>
          <Icon name="retry" /> {rerun.title}
        </Button>
      )}
      <Link className={css.plain} to="/compare" search={{ b: run.run_id }}>
        <Icon name="compare" /> Compare
      </Link>
      {more.length > 0 && (
        <Menu
          label="More for this run"
          items={more.map((action) => ({
            text: action.title,
            danger: action.danger ?? false,
            run: () => offer(action),
          }))}
        />
      )}
      {dialog}
    </>
  );
}

function Views({ view, go, run }: { view: RunView; go: (view: RunView) => void; run: RunDetail }) {
  // Most runs have nothing of dbt: a tab for it would lead nowhere.
  const hasDbt = useQuery(runGraphQuery(run.run_id)).data?.nodes.some((node) => node.host !== "") ?? false;
  const views = RUN_VIEWS.filter((each) => each !== "dbt" || hasDbt || view === "dbt");
  return (
    <nav className={css.views} aria-label="Views of the run">
      {views.map((each) => (
        <Link
          key={each}
          to="/runs/$runId/$view"
          params={{ runId: run.run_id, view: each }}
          search={(old) => old}
          aria-current={each === view ? "page" : undefined}
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey) return;
            event.preventDefault();
            go(each);
          }}
        >
          {NAMES[each]}
        </Link>
      ))}
    </nav>
  );
}

/** Why the run failed, without a click: the first failures with their message. */
function Failures({ run, open }: { run: RunDetail; open: Place["open"] }) {
  if (run.first_failures.length === 0) return run.error ? <p className={css.failure}>{run.error.message}</p> : null;
  // A map fails because its indexes did: they say more.
  const own = run.first_failures.filter((row) => !row.task.endsWith("[]"));
  const shown = own.length ? own : run.first_failures;
  return (
    <ul className={css.failures} aria-label="First failures">
      {shown.slice(0, 3).map((row) => {
        const index = row.index.join(".");
        const name = taskName(row.task, row.index);
        return (
          <li key={row.task + index}>
            <button type="button" data-opens={name} onClick={() => open(row.task, index)}>
              <StateMark state={row.state} quiet />
              <strong>{name}</strong>
              <span>{row.error ? `${exceptionName(row.error.type)}: ${row.error.message}` : row.reason}</span>
              <Icon name="right" size={12} />
            </button>
          </li>
        );
      })}
    </ul>
  );
}
