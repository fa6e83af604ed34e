/** Applies frames of the stream to the query cache: rows are upserted by their key, `reset` replaces. */

import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { applyAssets, forgetAssets } from "@/api/asset-patches";
import type { Params } from "@/api/client";
import { withRuns as gridWithRuns, type PatchedGrid } from "@/api/grid-patches";
import type { Frame } from "@/api/stream";
import type { Attention, Day, DayRun, Page, PipelineSummary, Run, RunBar, RunDetail, Tick } from "@/api/types";
import { pipelineOf } from "@/design/words";

const STRIP = 24;
const JUST_MS = 2_000;

export function applyFrame(cache: QueryClient, frame: Frame): void {
  switch (frame.kind) {
    case "runs":
      applyRuns(cache, frame.data as Run[]);
      return;
    case "attention":
      // A file that broke, or loads again, comes up as something that needs a person, or does no longer.
      void cache.invalidateQueries({ queryKey: ["files"] });
      cache.setQueryData<Page<Attention>>(["attention"], { items: frame.data as Attention[], next: null });
      return;
    case "ticks":
      applyTicks(cache, frame.data as Tick[]);
      return;
    case "assets":
    case "asset_nodes":
    case "asset":
    case "asset_slices":
    case "asset_events":
      applyAssets(cache, { ...frame, kind: frame.kind });
      return;
    case "reset":
      applyReset(cache, frame);
      return;
    default:
      // Nodes, task runs, steps, signals and logs belong to the run page, which listens itself.
      return;
  }
}

/** Ticks that were decided, and `planned` ones: the next of schedules that somebody paused, resumed or declared anew. */
function applyTicks(cache: QueryClient, ticks: readonly Tick[]): void {
  // What comes next moved on. Answers on their way are waited for, so that a thousand ticks at once are a few questions.
  void cache.invalidateQueries({ queryKey: ["upcoming"] }, { cancelRefetch: false });
  const schedules = new Set(ticks.map((tick) => tick.schedule));
  const pipelines = new Set(ticks.map((tick) => pipelineOf(tick.schedule)));
  void cache.invalidateQueries(
    {
      predicate: ({ queryKey: [kind, first, second] }) =>
        (kind === "ticks" && schedules.has(String(first))) ||
        (kind === "schedule-preview" && schedules.has(`${String(first)}/${String(second)}`)),
    },
    { cancelRefetch: false },
  );
  if (ticks.some((tick) => tick.outcome === "planned")) forgetSchedules(cache, (name) => pipelines.has(name));
}

/** An answer on its way may be older than the change: it is asked for again. */
function forgetSchedules(cache: QueryClient, isConcerned: (pipeline: string) => boolean, before = Infinity): void {
  void cache.invalidateQueries({
    predicate: ({ queryKey: [kind, name], state }) =>
      state.dataUpdatedAt < before &&
      (state.dataUpdatedAt > 0 || before === Infinity) &&
      (kind === "pipelines" ||
        kind === "upcoming" ||
        (kind === "pipeline" && isConcerned(String(name))) ||
        (kind === "schedules" && (name === "" || isConcerned(String(name))))),
  });
}

export function applyRuns(cache: QueryClient, runs: Run[]): void {
  if (runs.length === 0) return;
  for (const run of runs) {
    cache.setQueryData<RunDetail>(["run", run.run_id], (old) => (old && isNewer(run, old) ? { ...old, ...run } : old));
  }
  for (const [key, page] of cache.getQueriesData<Page<Run>>({ queryKey: ["runs"] })) {
    if (page) cache.setQueryData<Page<Run>>(key, { ...page, items: upsertRuns(page.items, runs, (key[1] ?? {}) as Params) });
  }
  for (const [key, data] of cache.getQueriesData<InfiniteData<Page<Run>>>({ queryKey: ["run-pages"] })) {
    if (data) cache.setQueryData(key, upsertPages(data, runs, (key[1] ?? {}) as Params));
  }
  for (const [key, grid] of cache.getQueriesData<InfiniteData<PatchedGrid>>({ queryKey: ["pipeline-grid"] })) {
    const mine = runs.filter((run) => run.pipeline === key[1]);
    const [first, ...older] = grid?.pages ?? [];
    if (grid && first && mine.length) cache.setQueryData(key, { ...grid, pages: [gridWithRuns(first, mine), ...older] });
  }
  cache.setQueriesData<Page<PipelineSummary>>({ queryKey: ["pipelines"] }, (page) =>
    page ? { ...page, items: page.items.map((pipeline) => withRuns(pipeline, runs)) } : page,
  );
  for (const [key, day] of cache.getQueriesData<Day>({ queryKey: ["day"] })) {
    if (day) cache.setQueryData<Day>(key, withDayRuns(day, runs, Number(key[1]), Number(key[2])));
  }
  cache.setQueriesData<PipelineSummary>({ queryKey: ["pipeline"] }, (pipeline) =>
    pipeline && "recent" in pipeline ? withRuns(pipeline, runs) : pipeline,
  );
}

/** Rows of `news` take the place of those with their key; new keys go to the end. */
export function upsert<T>(rows: readonly T[], news: readonly T[], keyOf: (row: T) => string): T[] {
  const fresh = new Map(news.map((row) => [keyOf(row), row]));
  const merged = rows.map((row) => {
    const key = keyOf(row);
    const replacement = fresh.get(key);
    fresh.delete(key);
    return replacement ?? row;
  });
  return [...merged, ...fresh.values()];
}

/** Newest first; a run that no longer matches the filters leaves, one that came to match enters. */
export function upsertRuns(rows: readonly Run[], news: readonly Run[], filters: Params): Run[] {
  const fresh = new Map(news.map((run) => [run.run_id, run]));
  const kept = rows.flatMap((run) => {
    const replacement = fresh.get(run.run_id);
    fresh.delete(run.run_id);
    if (!replacement || !isNewer(replacement, run)) return [run];
    return matches(replacement, filters) ? [replacement] : [];
  });
  const entering = [...fresh.values()].filter((run) => matches(run, filters));
  return [...kept, ...entering].sort((a, b) => b.created_us - a.created_us || (a.run_id < b.run_id ? 1 : -1));
}

function upsertPages(data: InfiniteData<Page<Run>>, runs: Run[], filters: Params): InfiniteData<Page<Run>> {
  const known = new Set(data.pages.flatMap((page) => page.items.map((run) => run.run_id)));
  const pages = data.pages.map((page, at) => {
    const mine = new Set(page.items.map((run) => run.run_id));
    // A run older than the page belongs to one that was not asked for yet.
    const oldest = page.next === null ? 0 : (page.items.at(-1)?.created_us ?? 0);
    const news = runs.filter((run) => mine.has(run.run_id) || (at === 0 && !known.has(run.run_id) && run.created_us >= oldest));
    return news.length ? { ...page, items: upsertRuns(page.items, news, filters) } : page;
  });
  return { ...data, pages };
}

/** Whether a run answers the filters that a page can name without asking the server; others are the server's to judge. */
export function matches(run: Run, filters: Params): boolean {
  const states = (filters["state"] ?? []) as readonly string[];
  const search = String(filters["search"] ?? "").toLowerCase();
  return (
    (!filters["pipeline"] || run.pipeline === filters["pipeline"]) &&
    (states.length === 0 || states.includes(run.state)) &&
    (!filters["trigger"] || run.trigger === filters["trigger"]) &&
    (!filters["from_us"] || run.created_us >= Number(filters["from_us"])) &&
    (!filters["to_us"] || run.created_us < Number(filters["to_us"])) &&
    (!search || run.run_id.toLowerCase().startsWith(search) || run.pipeline.toLowerCase().includes(search))
  );
}

function isNewer(a: Run, b: Run): boolean {
  return a.fact_seq >= b.fact_seq;
}

function withRuns(pipeline: PipelineSummary, runs: Run[]): PipelineSummary {
  const mine = runs.filter((run) => run.pipeline === pipeline.name);
  if (mine.length === 0) return pipeline;
  const bars = upsert<RunBar>(pipeline.recent, mine.map(barOf), (bar) => bar.run_id);
  return { ...pipeline, recent: bars.sort((a, b) => a.created_us - b.created_us).slice(-STRIP) };
}

function withDayRuns(day: Day, runs: Run[], fromUs: number, toUs: number): Day {
  const inside = runs.filter((run) => run.created_us < toUs && (run.finished_us || Number.MAX_SAFE_INTEGER) >= fromUs);
  if (inside.length === 0) return day;
  const bars = inside.map((run) => ({ ...barOf(run), pipeline: run.pipeline }));
  return { ...day, runs: upsert<DayRun>(day.runs, bars, (run) => run.run_id) };
}

function barOf({ run_id, state, created_us, started_us, finished_us }: Run): RunBar {
  return { run_id, state, created_us, started_us, finished_us };
}

/** The whole state of a topic: each row says in `row` what it is. */
function applyReset(cache: QueryClient, frame: Frame): void {
  if (frame.topic === "assets" || frame.topic.startsWith("asset:")) {
    forgetAssets(cache, frame.topic, Date.now() - JUST_MS);
    return;
  }
  applyRuns(cache, rowsOf<Run>(frame.data, "run"));
  if (frame.topic === "home") {
    // Of schedules a reset says nothing: what was paused while nobody listened is asked for, unless it just was.
    forgetSchedules(cache, () => true, Date.now() - JUST_MS);
    cache.setQueryData<Page<Attention>>(["attention"], { items: rowsOf<Attention>(frame.data, "attention"), next: null });
  }
}

/** Rows of one kind of the data of a reset, without the mark. */
export function rowsOf<T>(data: readonly unknown[], kind: "run" | "node" | "task" | "step" | "attention" | "log"): T[] {
  return data.flatMap((entry) => {
    const { row, ...rest } = entry as { row?: string };
    return row === kind ? [rest as T] : [];
  });
}
