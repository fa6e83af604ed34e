/** What the run page asks, beside the run itself. Keys start with the kind of row; `live.ts` patches them. */

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, seg } from "@/api/client";
import type { DbtModel, Page } from "@/api/types";
import type { Graph, LogPage, TaskPage, TaskRunDetail, Timeline } from "@/run/types";

export const runGraphQuery = (runId: string) =>
  queryOptions({
    queryKey: ["run-graph", runId],
    queryFn: ({ signal }) => get<Graph>(`/runs/${seg(runId)}/graph`, {}, signal),
    staleTime: Infinity,
  });

export const timelineQuery = (runId: string) =>
  queryOptions({
    queryKey: ["run-timeline", runId],
    queryFn: ({ signal }) => get<Timeline>(`/runs/${seg(runId)}/timeline`, { limit: 5000 }, signal),
  });

/** The path alone, without the bars: what the graph marks of a run that has ended. */
export const criticalPathQuery = (runId: string) =>
  queryOptions({
    queryKey: ["run-path", runId],
    queryFn: async ({ signal }) => (await get<Timeline>(`/runs/${seg(runId)}/timeline`, { limit: 1 }, signal)).critical_path,
  });

export interface TaskFilters {
  task?: string;
  state?: string;
  search?: string;
}

export const taskPagesQuery = (runId: string, filters: TaskFilters) =>
  infiniteQueryOptions({
    queryKey: ["run-tasks", runId, filters],
    initialPageParam: "",
    queryFn: ({ signal, pageParam }) =>
      get<TaskPage>(`/runs/${seg(runId)}/tasks`, { limit: filters.task ? 200 : 1_000, ...filters, cursor: pageParam }, signal),
    getNextPageParam: (page) => page.next,
  });

export const taskQuery = (runId: string, task: string, index: string) =>
  queryOptions({
    queryKey: ["task", runId, task, index],
    queryFn: ({ signal }) => get<TaskRunDetail>(`/runs/${seg(runId)}/task`, { task, index }, signal),
  });

export const dbtQuery = (runId: string) =>
  queryOptions({
    queryKey: ["run-dbt", runId],
    queryFn: ({ signal }) => get<Page<DbtModel>>(`/runs/${seg(runId)}/dbt`, {}, signal),
  });

/** The SQL that dbt made of a model; null where it left none. */
export const compiledQuery = (runId: string, task: string) =>
  queryOptions({
    queryKey: ["compiled-sql", runId, task],
    queryFn: async ({ signal }) => {
      const found = await get<TaskRunDetail>(`/runs/${seg(runId)}/task`, { task, index: "" }, signal);
      return found.artifacts.find((each) => each.name === "compiled.sql")?.preview.text ?? null;
    },
  });

export const LOG_PAGE = 4_000;
/** The first page is small: what is in sight shows before the rest is read. */
export const FIRST_LOG_PAGE = 400;

export interface LogOf {
  runId: string;
  task: string;
  index: string;
  attempt: number;
}

export function logPage({ runId, task, index, attempt }: LogOf, after: number, signal: AbortSignal): Promise<LogPage> {
  return get<LogPage>(`/runs/${seg(runId)}/logs`, { task, index, attempt, after, limit: after ? LOG_PAGE : FIRST_LOG_PAGE }, signal);
}
