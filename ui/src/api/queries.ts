/** Questions to the server, as options for `useQuery`. Keys start with the kind of row, so that patches find them. */

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, seg, type Params } from "@/api/client";
import type {
  Attention,
  Backfill,
  BrokenFile,
  Day,
  Page,
  PipelineDetail,
  PipelineSummary,
  Pool,
  Run,
  RunDetail,
  ScheduleSummary,
  Session,
  System,
  Tick,
} from "@/api/types";

/**
 * Slots, processes and the latency of the store are rows of no topic: a feed of them would make the server count each
 * second for all, where one page asks. They are asked while it is looked at, and not behind another tab.
 */
export const WATCHED = { refetchInterval: 5_000, refetchIntervalInBackground: false } as const;

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => get<Session>("/session", {}, signal),
  staleTime: Infinity,
  retry: false,
});

export const attentionQuery = queryOptions({
  queryKey: ["attention"],
  queryFn: ({ signal }) => get<Page<Attention>>("/attention", { limit: 200 }, signal),
});

/** All of them, so that searching never waits; their runs come over the stream, what the project adds by asking again. */
export const pipelinesQuery = (filters: Params = {}) =>
  queryOptions({
    queryKey: ["pipelines", filters],
    queryFn: ({ signal }) => allPages<PipelineSummary>("/pipelines", filters, signal),
    refetchInterval: 30_000,
  });

export const pipelineQuery = (name: string) =>
  queryOptions({
    queryKey: ["pipeline", name],
    queryFn: ({ signal }) => get<PipelineDetail>(`/pipelines/${seg(name)}`, {}, signal),
  });

/** Filters: the runs that go on or are about to. */
export const ACTIVE: Params = { state: ["running", "queued", "suspended"] };

/** One page of runs that match; for lists that scroll, `runPagesQuery`. */
export const runsQuery = (filters: Params = {}) =>
  queryOptions({
    queryKey: ["runs", filters],
    queryFn: ({ signal }) => get<Page<Run>>("/runs", { limit: 100, ...filters }, signal),
  });

export const runPagesQuery = (filters: Params) =>
  infiniteQueryOptions({
    queryKey: ["run-pages", filters],
    initialPageParam: "",
    queryFn: ({ signal, pageParam }) => get<Page<Run>>("/runs", { limit: 200, ...filters, cursor: pageParam }, signal),
    getNextPageParam: (page) => page.next,
  });

/** With the fact up to which all of it was told, and when: patches of other topics move `fact_seq`, and not the nodes. */
export type ToldRun = RunDetail & { told?: { seq: number; at_ms: number } };

export const runQuery = (id: string) =>
  queryOptions({
    queryKey: ["run", id],
    queryFn: async ({ signal }): Promise<ToldRun> => {
      const told_ms = Date.now();
      const run = await get<RunDetail>(`/runs/${seg(id)}`, {}, signal);
      return { ...run, told: { seq: run.fact_seq, at_ms: told_ms } };
    },
  });

export const upcomingQuery = (limit: number, untilUs?: number) =>
  queryOptions({
    queryKey: ["upcoming", limit, untilUs ?? 0],
    queryFn: ({ signal }) => get<Page<Tick>>("/upcoming", { limit, until_us: untilUs }, signal),
    refetchInterval: 30_000,
  });

export const schedulesQuery = (pipeline?: string) =>
  queryOptions({
    queryKey: ["schedules", pipeline ?? ""],
    queryFn: ({ signal }) => get<Page<ScheduleSummary>>("/schedules", { pipeline }, signal),
  });

export const backfillsQuery = queryOptions({
  queryKey: ["backfills"],
  queryFn: ({ signal }) => get<Page<Backfill>>("/backfills", { limit: 200 }, signal),
});

export const poolsQuery = queryOptions({
  queryKey: ["pools"],
  queryFn: ({ signal }) => get<Page<Pool>>("/pools", {}, signal),
  ...WATCHED,
});

export const filesQuery = queryOptions({
  queryKey: ["files"],
  queryFn: ({ signal }) => get<Page<BrokenFile>>("/files", {}, signal),
});

export const systemQuery = queryOptions({
  queryKey: ["system"],
  queryFn: ({ signal }) => get<System>("/system", {}, signal),
  ...WATCHED,
});

export const dayQuery = (fromUs: number, toUs: number) =>
  queryOptions({
    queryKey: ["day", fromUs, toUs],
    queryFn: ({ signal }) => get<Day>("/day", { from_us: fromUs, to_us: toUs }, signal),
  });

const PAGE = 500;
const MOST_PAGES = 20;

/** Every item of a list that is known to be bounded, page by page. */
export async function allPages<T>(path: string, filters: Params, signal: AbortSignal): Promise<Page<T>> {
  const items: T[] = [];
  let cursor: string | null = "";
  for (let page = 0; page < MOST_PAGES && cursor !== null; page += 1) {
    const answer: Page<T> = await get<Page<T>>(path, { limit: PAGE, ...filters, cursor }, signal);
    items.push(...answer.items);
    cursor = answer.next;
  }
  return { items, next: cursor };
}
