/** All pipelines: found by name, tag or owner, each with its last runs, its next tick, and whether it is paused. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { post, seg } from "@/api/client";
import { asProblem } from "@/api/problem";
import { filesQuery, pipelinesQuery } from "@/api/queries";
import type { BrokenFile, Page as ApiPage, PipelineSummary } from "@/api/types";
import { useToasts } from "@/app/toasts";
import { Button } from "@/design/button";
import { Empty } from "@/design/empty";
import { SearchField, SelectField, Toggle } from "@/design/field";
import { Icon } from "@/design/icon";
import { Page } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { RunStrip } from "@/design/run-strip";
import { PageSkeleton } from "@/design/skeleton";
import { StateMark } from "@/design/state";
import { Tag } from "@/design/tag";
import { Time } from "@/design/time";
import { VirtualTable, type Column } from "@/design/virtual-table";
import { plainText, plural } from "@/design/words";
import { chosen, neverLoaded, nextOf, ownersOf, tagsOf } from "@/pipelines/choosing";
import css from "./page.module.css";

const route = getRouteApi("/pipelines");

export function PipelinesPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const pipelines = useQuery(pipelinesQuery());
  const all = pipelines.data?.items ?? [];
  const files = useQuery(filesQuery);
  const shown = chosen(all, search);
  const broken = pipelines.data ? neverLoaded(files.data?.items ?? [], all, search) : [];
  const set = (change: Partial<typeof search>) => void navigate({ search: (old) => ({ ...old, ...change }), replace: true });

  const tools = (
    <>
      <SearchField label="Search pipelines" value={search.search ?? ""} change={(value) => set({ search: value })} />
      <SelectField
        label="Tag"
        value={search.tag ?? ""}
        change={(tag) => set({ tag })}
        options={[{ value: "", text: "Any tag" }, ...tagsOf(all).map((tag) => ({ value: tag, text: tag }))]}
      />
      <SelectField
        label="Owner"
        value={search.owner ?? ""}
        change={(owner) => set({ owner })}
        options={[{ value: "", text: "Any owner" }, ...ownersOf(all).map((owner) => ({ value: owner, text: owner }))]}
      />
      <span className={css.shows}>
        <Toggle on={search.show === "failing"} change={(on) => set({ show: on ? "failing" : "" })}>
          Failing
        </Toggle>
        <Toggle on={search.show === "paused"} change={(on) => set({ show: on ? "paused" : "" })}>
          Paused
        </Toggle>
        <Toggle on={search.show === "broken"} change={(on) => set({ show: on ? "broken" : "" })}>
          Broken
        </Toggle>
      </span>
    </>
  );
  return (
    <Page
      title="Pipelines"
      note={pipelines.data && (shown.length === all.length ? plural(all.length, "pipeline") : `${shown.length} of ${all.length}`)}
      tools={tools}
      fixed
    >
      {pipelines.isPending && <PageSkeleton />}
      {pipelines.error && !pipelines.data && <ProblemBox problem={asProblem(pipelines.error)} />}
      {broken.length > 0 && (
        <ul className={css.files} aria-label="Files that never loaded">
          {broken.map((file) => (
            <Unloaded key={file.file} file={file} />
          ))}
        </ul>
      )}
      {pipelines.data && all.length === 0 && broken.length === 0 && (
        <Empty title="This project has no pipelines yet" command="toque init">
          A pipeline is a Python function with <code>@pipeline</code>. This writes a first one to change:
        </Empty>
      )}
      {all.length > 0 && shown.length === 0 && broken.length === 0 && (
        <Empty title="No pipeline fits these filters">
          <Link to="/pipelines">Show all {all.length}</Link>
        </Empty>
      )}
      {shown.length > 0 && (
        <VirtualTable
          label="Pipelines"
          columns={COLUMNS}
          rows={shown}
          rowHeight={52}
          keyOf={(pipeline) => pipeline.name}
          open={(pipeline) => void navigate({ to: "/pipelines/$name", params: { name: pipeline.name } })}
        />
      )}
    </Page>
  );
}

/** Its pipelines have no names yet: what is known of them is why. */
function Unloaded({ file }: { file: BrokenFile }) {
  const problem = file.problems[0];
  return (
    <li>
      <Link to="/system" hash={file.file} className={css.file}>
        <Icon name="warn" size={13} /> {problem?.file || file.file}
        {problem?.line ? `:${problem.line}` : ""}
      </Link>
      <span title={problem?.message}>never loaded: {problem?.message.split("\n")[0] ?? "nothing says why"}</span>
    </li>
  );
}

/** What there is room for; the others are counted. */
const TAGS = 2;

const COLUMNS: readonly Column<PipelineSummary>[] = [
  { id: "name", head: "Pipeline", width: "minmax(10rem, 2.2fr)", cell: (pipeline) => <Name pipeline={pipeline} /> },
  {
    id: "tags",
    head: "Tags",
    width: "minmax(5rem, 1fr)",
    wide: true,
    cell: ({ tags }) => (
      <span className={css.tags} title={tags.join(", ")}>
        {tags.slice(0, TAGS).map((tag) => (
          <Link key={tag} to="/pipelines" search={{ tag }}>
            <Tag>{tag}</Tag>
          </Link>
        ))}
        {tags.length > TAGS && <span className={css.quiet}>+{tags.length - TAGS}</span>}
      </span>
    ),
  },
  { id: "owner", head: "Owner", width: "minmax(4rem, 0.7fr)", wide: true, cell: ({ owner }) => owner || "–" },
  { id: "recent", head: "Last runs", width: "12.25rem", wide: true, cell: (pipeline) => <RunStrip runs={pipeline.recent} pipeline={pipeline.name} /> },
  { id: "last", head: "Last", width: "minmax(6.5rem, 0.9fr)", cell: ({ recent }) => <Last runs={recent} /> },
  { id: "next", head: "Next tick", width: "6.5rem", wide: true, cell: (pipeline) => <Next pipeline={pipeline} /> },
  { id: "pause", head: <span className="visually-hidden">Pause</span>, width: "2.5rem", right: true, cell: (pipeline) => <Pause pipeline={pipeline} /> },
];

function Name({ pipeline }: { pipeline: PipelineSummary }) {
  return (
    <>
      <span className={css.name}>
        <Link to="/pipelines/$name" params={{ name: pipeline.name }}>
          {pipeline.name}
        </Link>
        {pipeline.broken && (
          <Link to="/system" className={css.broken} title="Its file cannot be loaded: System says why">
            <Icon name="warn" size={13} /> broken
          </Link>
        )}
      </span>
      <span className={css.doc} title={plainText(pipeline.doc)}>
        {plainText(pipeline.doc) || pipeline.file}
      </span>
    </>
  );
}

function Last({ runs }: { runs: PipelineSummary["recent"] }) {
  const last = runs.at(-1);
  if (!last) return <span className={css.quiet}>never</span>;
  return (
    <Link to="/runs/$runId" params={{ runId: last.run_id }} className={css.last}>
      <StateMark state={last.state} />
      <span className={css.quiet}>
        <Time us={last.finished_us || last.started_us || last.created_us} />
      </span>
    </Link>
  );
}

function Next({ pipeline }: { pipeline: PipelineSummary }) {
  const next = nextOf(pipeline);
  if (pipeline.paused) return <span className={css.quiet}>paused</span>;
  if (!next) return <span className={css.quiet}>{pipeline.schedules.length ? "–" : "no schedule"}</span>;
  return (
    <span title={next.words || next.rule}>
      <Time us={next.next_us} />
    </span>
  );
}

function Pause({ pipeline }: { pipeline: PipelineSummary }) {
  const cache = useQueryClient();
  const toasts = useToasts();
  const change = useMutation({
    mutationFn: () => post<PipelineSummary>(`/pipelines/${seg(pipeline.name)}/${pipeline.paused ? "unpause" : "pause"}`),
    onSuccess: (now) => {
      cache.setQueriesData<ApiPage<PipelineSummary>>({ queryKey: ["pipelines"] }, (page) =>
        page && { ...page, items: page.items.map((other) => (other.name === now.name ? { ...other, paused: now.paused } : other)) },
      );
      void cache.invalidateQueries({ queryKey: ["upcoming"] });
      toasts.say(now.paused ? `${now.name} is paused: its schedules start nothing` : `${now.name} runs by its schedules again`);
    },
    onError: (error) => toasts.fail(asProblem(error)),
  });
  if (pipeline.schedules.length === 0) return null;
  const words = pipeline.paused ? `Let ${pipeline.name} run again` : `Pause ${pipeline.name}`;
  return (
    <Button icon kind="plain" aria-label={words} title={words} disabled={change.isPending} onClick={() => change.mutate()}>
      <Icon name={pipeline.paused ? "play" : "pause"} />
    </Button>
  );
}
