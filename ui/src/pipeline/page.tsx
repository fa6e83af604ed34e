/** A pipeline: its history, its shape, its clock and its code. */

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useQueryClient } from "@tanstack/react-query";
import { seg } from "@/api/client";
import { useTopic } from "@/api/live";
import { asProblem } from "@/api/problem";
import { pipelineQuery } from "@/api/queries";
import { useShortcut } from "@/app/keys";
import { Button } from "@/design/button";
import { Icon } from "@/design/icon";
import { useInSight } from "@/design/in-sight";
import { Page } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { PageSkeleton } from "@/design/skeleton";
import { Time } from "@/design/time";
import { plural } from "@/design/words";
import { GraphView } from "@/graph/later";
import { GridView } from "@/pipeline/grid-view";
import { pipelineGraphQuery } from "@/pipeline/queries";
import { CalendarView, CodeTab, DocsView, DurationsView, SchedulesView, StartView } from "@/pipeline/views";
import { useActions } from "@/run/actions";
import type { PipelineDetail } from "@/run/types";
import css from "./page.module.css";

const VIEWS = {
  grid: "Grid",
  graph: "Graph",
  calendar: "Calendar",
  durations: "Durations",
  schedules: "Schedules",
  start: "Start",
  code: "Code",
  docs: "Docs",
} as const;
type View = keyof typeof VIEWS;

interface PipelineSearch {
  version?: string;
  against?: string;
  file?: string;
  task?: string;
  month?: string;
  limit?: string;
  from?: string;
}

export function PipelinePage() {
  const { name = "", view = "" } = useParams({ strict: false });
  const pipeline = useQuery(pipelineQuery(name));
  useTopic(name ? `pipeline:${name}` : null);
  if (pipeline.error && !pipeline.data) {
    return (
      <Page title={name}>
        <ProblemBox problem={asProblem(pipeline.error)}>
          <Link to="/pipelines">All pipelines</Link>
        </ProblemBox>
      </Page>
    );
  }
  if (!pipeline.data) return <PageSkeleton />;
  return <Loaded pipeline={pipeline.data as PipelineDetail} view={view in VIEWS ? (view as View) : "grid"} />;
}

function Loaded({ pipeline, view }: { pipeline: PipelineDetail; view: View }) {
  const navigate = useNavigate();
  const name = pipeline.name;
  const tabs = useInSight<HTMLElement>(view);
  useShortcut(
    "n",
    "Start a run of this pipeline",
    () => void navigate({ to: "/pipelines/$name/$view", params: { name, view: "start" }, search: {} }),
  );
  return (
    <Page
      fixed={view === "grid" || view === "graph"}
      title={name}
      note={<Facts pipeline={pipeline} />}
      actions={<Actions pipeline={pipeline} view={view} />}
      tools={
        <nav ref={tabs} className={css.views} aria-label="Views of the pipeline">
          {(Object.keys(VIEWS) as View[]).map((each) => (
            <Link
              key={each}
              to="/pipelines/$name/$view"
              params={{ name, view: each }}
              search={{}}
              aria-current={each === view ? "page" : undefined}
            >
              {VIEWS[each]}
            </Link>
          ))}
        </nav>
      }
    >
      <Content pipeline={pipeline} view={view} />
    </Page>
  );
}

function Content({ pipeline, view }: { pipeline: PipelineDetail; view: View }) {
  const search = useSearch({ strict: false }) as PipelineSearch;
  const navigate = useNavigate();
  const name = pipeline.name;
  const go = (next: PipelineSearch) =>
    void navigate({
      to: "/pipelines/$name/$view",
      params: { name, view },
      search: (old: PipelineSearch) => ({ ...old, ...next }),
      replace: true,
    });
  switch (view) {
    case "grid":
      return <GridView name={name} />;
    case "graph":
      return (
        <Plan
          name={name}
          version={search.version ?? ""}
          task={search.task ?? ""}
          select={(task) => go({ task: task || undefined })}
        />
      );
    case "calendar":
      return <CalendarView name={name} month={search.month ?? ""} go={(month) => go({ month })} />;
    case "durations":
      return <DurationsView name={name} task={search.task ?? ""} limit={search.limit ?? ""} go={go} />;
    case "schedules":
      return <SchedulesView pipeline={pipeline} />;
    case "start":
      return <StartView pipeline={pipeline} from={search.from ?? ""} />;
    case "code":
      return (
        <CodeTab
          name={name}
          version={search.version ?? ""}
          against={search.against ?? ""}
          file={search.file ?? ""}
          go={go}
        />
      );
    default:
      return <DocsView pipeline={pipeline} />;
  }
}

/** As the server says it of a task run that waits. */
const RULES: Record<string, string> = {
  all_success: "when all upstream tasks have succeeded",
  all_done: "when all upstream tasks have ended, however they did",
  all_failed: "when all upstream tasks have failed",
  one_success: "as soon as one upstream task has succeeded",
  one_failed: "as soon as one upstream task has failed",
  one_done: "as soon as one upstream task has ended",
  none_failed: "when all upstream tasks have ended and none failed",
  none_failed_min_one_success: "when all upstream tasks have ended, none failed and one succeeded",
  none_skipped: "when all upstream tasks have ended and none was skipped",
  all_skipped: "when all upstream tasks were skipped",
  always: "at once",
  teardown: "when what uses its setup has ended",
};

function Plan({
  name,
  version,
  task,
  select,
}: {
  name: string;
  version: string;
  task: string;
  select: (task: string) => void;
}) {
  const graph = useQuery(pipelineGraphQuery(name, version));
  if (graph.error) return <ProblemBox problem={asProblem(graph.error)} />;
  if (!graph.data) return <PageSkeleton />;
  const node = graph.data.nodes.find((each) => each.id === task);
  return (
    <div className={css.plan}>
      <GraphView graph={graph.data} selected={task} select={select} />
      {node && (
        <aside className={css.node} aria-label={`Task ${node.label}`}>
          <header>
            <h2>{node.label}</h2>
            <Button icon kind="plain" aria-label="Close" onClick={() => select("")}>
              <Icon name="close" />
            </Button>
          </header>
          {node.doc && <p className={css.doc}>{node.doc}</p>}
          <dl>
            {(
              [
                ["Kind", node.kind],
                ["Starts", RULES[node.rule] ?? node.rule.replaceAll("_", " ")],
                ["Retries", node.retries ? String(node.retries) : ""],
                ["Pools", node.pools.join(", ")],
                ["Tags", node.tags.join(", ")],
                ["Hook", node.hook.replaceAll("_", " ")],
                ["Teardown of", node.teardown_of],
                ["Run by", node.host],
                ["Written in", node.origin ? `${node.origin.file}:${node.origin.line}` : ""],
              ] as const
            ).map(([label, value]) =>
              value ? (
                <div key={label}>
                  <dt>{label}</dt>
                  <dd>{value}</dd>
                </div>
              ) : null,
            )}
          </dl>
          <p>
            <Link to="/pipelines/$name/$view" params={{ name, view: "durations" }} search={{ task }}>
              How long it takes
            </Link>
          </p>
        </aside>
      )}
    </div>
  );
}

function Facts({ pipeline }: { pipeline: PipelineDetail }) {
  const next = pipeline.schedules.filter((each) => each.next_us && !each.paused).map((each) => each.next_us);
  return (
    <span className={css.facts}>
      {pipeline.paused && <strong className={css.paused}>paused</strong>}
      {pipeline.broken && (
        <Link to="/system" className={css.broken}>
          <Icon name="warn" /> its file is broken, runs use the version of before
        </Link>
      )}
      {pipeline.owner && <span>{pipeline.owner}</span>}
      <span>{plural(pipeline.task_count, "task")}</span>
      {pipeline.running_count > 0 && <span>{pipeline.running_count} running</span>}
      {pipeline.queued_count > 0 && <span>{pipeline.queued_count} queued</span>}
      {next.length > 0 && (
        <span>
          next <Time us={Math.min(...next)} />
        </span>
      )}
      {pipeline.tags.map((tag) => (
        <Link key={tag} to="/pipelines" search={{ tag }} className={css.tag}>
          {tag}
        </Link>
      ))}
    </span>
  );
}

function Actions({ pipeline, view }: { pipeline: PipelineDetail; view: View }) {
  const { offer, dialog } = useActions();
  const cache = useQueryClient();
  const pause = () =>
    offer({
      title: pipeline.paused ? "Unpause the pipeline" : "Pause the pipeline",
      path: `/pipelines/${seg(pipeline.name)}/${pipeline.paused ? "unpause" : "pause"}`,
      words: pipeline.paused
        ? "Its schedules start runs again."
        : "Its schedules start no run until it is unpaused. Runs that are active go on, and you can still start one.",
      done: () =>
        void cache.invalidateQueries({
          predicate: ({ queryKey }) => queryKey[0] === "pipeline" || queryKey[0] === "pipelines",
        }),
    });
  return (
    <>
      <Button onClick={pause}>
        <Icon name={pipeline.paused ? "play" : "pause"} /> {pipeline.paused ? "Unpause" : "Pause"}
      </Button>
      <Link
        to="/pipelines/$name/$view"
        params={{ name: pipeline.name, view: "start" }}
        search={{}}
        className={css.primary}
        aria-current={view === "start" ? "page" : undefined}
      >
        <Icon name="play" /> Start a run
      </Link>
      {dialog}
    </>
  );
}
