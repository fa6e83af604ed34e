/** Runs, newest first: every filter is in the address, and the list goes on as far as one scrolls. */

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { asProblem } from "@/api/problem";
import { pipelinesQuery, runPagesQuery } from "@/api/queries";
import { RUN_STATES, type Run } from "@/api/types";
import { Empty } from "@/design/empty";
import { SearchField, SelectField, Toggle } from "@/design/field";
import { Page } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { PageSkeleton } from "@/design/skeleton";
import { StateIcon, StateMark, wordOf } from "@/design/state";
import { Time, Took } from "@/design/time";
import { VirtualTable, type Column } from "@/design/virtual-table";
import { exceptionName, runTitle, shortId } from "@/design/words";
import { filtersOf, statesOf, toggled, TRIGGERS } from "@/runs/filters";
import css from "./page.module.css";

const route = getRouteApi("/runs");

export function RunsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const filters = useMemo(() => filtersOf(search), [search]);
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(runPagesQuery(filters));
  const pipelines = useQuery(pipelinesQuery());
  const rows = useMemo(() => data?.pages.flatMap((page) => page.items) ?? [], [data]);
  const states = statesOf(search.state);
  const set = (change: Partial<typeof search>) => void navigate({ search: (old) => ({ ...old, ...change }), replace: true });
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const filtered = Object.values(search).some(Boolean);

  const tools = (
    <>
      <SearchField label="Search pipeline or run id" value={search.search ?? ""} change={(value) => set({ search: value })} />
      <SelectField
        label="Pipeline"
        value={search.pipeline ?? ""}
        change={(pipeline) => set({ pipeline })}
        options={[
          { value: "", text: "Any pipeline" },
          ...namesWith(search.pipeline, pipelines.data?.items.map(({ name }) => name) ?? []).map((name) => ({ value: name, text: name })),
        ]}
      />
      <SelectField
        label="Trigger"
        value={search.trigger ?? ""}
        change={(trigger) => set({ trigger })}
        options={[{ value: "", text: "Any trigger" }, ...TRIGGERS.map((trigger) => ({ value: trigger, text: trigger }))]}
      />
      <SelectField label="Since" value={search.from ?? ""} change={(from) => set({ from })} options={SINCE} />
      <span className={css.states}>
        {RUN_STATES.map((state) => (
          <Toggle key={state} on={states.includes(state)} change={() => set({ state: toggled(states, state).join(",") })}>
            <StateIcon state={state} size={12} /> {wordOf(state)}
          </Toggle>
        ))}
      </span>
    </>
  );
  return (
    <Page title="Runs" tools={tools} fixed>
      {isPending && <PageSkeleton />}
      {error && !data && <ProblemBox problem={asProblem(error)} />}
      {data && rows.length === 0 && (
        filtered ? (
          <Empty title="No run fits these filters">
            <Link to="/runs">Show all runs</Link>
          </Empty>
        ) : (
          <Empty title="Nothing has run yet" command="toque trigger PIPELINE">
            A run appears here as soon as it is created. Start one from a pipeline, or:
          </Empty>
        )
      )}
      {rows.length > 0 && (
        <VirtualTable
          label="Runs"
          columns={COLUMNS}
          rows={rows}
          rowHeight={36}
          keyOf={(run) => run.run_id}
          open={(run) => void navigate({ to: "/runs/$runId", params: { runId: run.run_id }, search: {} })}
          nearEnd={more}
          foot={isFetchingNextPage ? "Older runs are on their way…" : hasNextPage ? undefined : "These are all."}
        />
      )}
    </Page>
  );
}

const SINCE = [
  { value: "", text: "Any time" },
  { value: "1h", text: "Last hour" },
  { value: "24h", text: "Last 24 hours" },
  { value: "7d", text: "Last 7 days" },
  { value: "30d", text: "Last 30 days" },
] as const;

const COLUMNS: readonly Column<Run>[] = [
  { id: "state", head: "State", width: "6.5rem", cell: (run) => <StateMark state={run.state} /> },
  {
    id: "pipeline",
    head: "Pipeline",
    width: "minmax(8rem, 3fr)",
    cell: (run) => (
      <Link to="/runs/$runId" params={{ runId: run.run_id }} className={css.name} title={runTitle(run)}>
        {runTitle(run)} <code title={run.run_id}>{shortId(run.run_id)}</code>
      </Link>
    ),
  },
  {
    id: "trigger",
    head: "Trigger",
    width: "minmax(5rem, 1fr)",
    wide: true,
    cell: (run) => (
      <span title={run.reason || undefined}>
        {run.trigger}
        {run.actor && run.trigger === "manual" && <span className={css.quiet}> by {run.actor}</span>}
      </span>
    ),
  },
  { id: "logical", head: "Logical time", width: "minmax(6rem, 1fr)", wide: true, cell: (run) => <Time us={run.trigger === "manual" ? 0 : run.logical_us} form="short" /> },
  {
    id: "error",
    head: "What went wrong",
    width: "minmax(0, 2fr)",
    wide: true,
    cell: (run) => run.error && <span className={css.error} title={run.error.message}>{`${exceptionName(run.error.type)}: ${run.error.message}`}</span>,
  },
  { id: "took", head: "Took", width: "4.5rem", wide: true, right: true, cell: (run) => <Took fromUs={run.started_us} toUs={run.finished_us} /> },
  { id: "created", head: "Created", width: "6.5rem", right: true, cell: (run) => <Time us={run.created_us} /> },
];

/** A pipeline that is gone from the project may still be asked for. */
function namesWith(name: string | undefined, names: readonly string[]): readonly string[] {
  return name && !names.includes(name) ? [name, ...names] : names;
}
