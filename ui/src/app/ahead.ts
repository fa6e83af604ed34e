/**
 * What a page asks first, asked while its code and the session are still on their way; the page finds it in the cache.
 * The code of its views begins to load then, too.
 */

import type { QueryClient } from "@tanstack/react-query";
import {
  ACTIVE,
  attentionQuery,
  pipelineQuery,
  pipelinesQuery,
  poolsQuery,
  runPagesQuery,
  runQuery,
  runsQuery,
  sessionQuery,
  systemQuery,
} from "@/api/queries";
import { assetQuery, assetsQuery } from "@/assets/queries";
import { connectionsQuery } from "@/connections/queries";
import type { Later } from "@/design/later";
import { GraphView } from "@/graph/later";
import { durationsQuery, gridQuery, pipelineGraphQuery, versionsQuery } from "@/pipeline/queries";
import { CalendarView, CodeTab, DocsView, DurationsView, SchedulesView, StartView } from "@/pipeline/views";
import { LogView } from "@/run/later";
import { runGraphQuery, taskQuery, timelineQuery } from "@/run/queries";
import { filtersOf } from "@/runs/filters";
import { syncQuery, syncsQuery } from "@/syncs/queries";

export interface Ahead {
  cache: QueryClient;
}

type InPath = "name" | "runId" | "view" | "key";
type InSearch = "task" | "index" | "panel" | "version" | "limit" | "pipeline" | "state" | "trigger" | "search" | "from" | "to";
/** The address. */
type Said = Partial<Record<InPath | InSearch, string>>;

interface Opened {
  context: Ahead;
  params: Partial<Record<InPath, string>>;
  location: { search: object };
  /** `preload`: somebody only points at a link. */
  cause: string;
}

type Asks = (cache: QueryClient, said: Said) => unknown;

/** A loader that waits for nothing: what fails is asked again by the page, which says so. */
export const ahead =
  (asks: Asks) =>
  ({ context, params, location, cause }: Opened): void => {
    // A key in the address is traded for a session first.
    if (cause === "preload" || new URLSearchParams(window.location.search).has("key")) return;
    asks(context.cache, { ...location.search, ...params });
  };

export const aheadOf = {
  all: ahead((cache) => {
    void cache.prefetchQuery(sessionQuery);
    void cache.prefetchQuery(attentionQuery);
  }),
  home: ahead((cache) => {
    void cache.prefetchQuery(pipelinesQuery());
    void cache.prefetchQuery(runsQuery(ACTIVE));
  }),
  pipelines: ahead((cache) => cache.prefetchQuery(pipelinesQuery())),
  pipeline: ahead((cache, { name = "", view = "grid", version, task, limit }) => {
    void cache.prefetchQuery(pipelineQuery(name));
    const plan = () => cache.prefetchQuery(pipelineGraphQuery(name, version));
    const views: Record<string, () => unknown> = {
      grid: () => cache.prefetchInfiniteQuery(gridQuery(name)),
      graph: () => [begin(GraphView), plan(), import("@/graph/elk").then(({ warm }) => warm()).catch(() => undefined)],
      calendar: () => begin(CalendarView),
      durations: () => [begin(DurationsView), limit || cache.prefetchQuery(durationsQuery(name, task ?? "", 100)), plan()],
      schedules: () => begin(SchedulesView),
      start: () => begin(StartView),
      code: () => [begin(CodeTab), cache.prefetchQuery(versionsQuery(name))],
      docs: () => [begin(DocsView), plan()],
    };
    views[view]?.();
  }),
  runs: ahead((cache, search) => cache.prefetchInfiniteQuery(runPagesQuery(filtersOf(search)))),
  run: ahead((cache, { runId = "", view = "graph", task, index, panel }) => {
    void cache.prefetchQuery(runQuery(runId));
    void cache.prefetchQuery(runGraphQuery(runId));
    // Of a task with many indexes there is no row without one, and no panel but their list.
    if (task && (index || panel)) void cache.prefetchQuery(taskQuery(runId, task, index ?? ""));
    if (panel === "logs") begin(LogView);
    if (view === "timeline") void cache.prefetchQuery(timelineQuery(runId));
    if (view === "graph") begin(GraphView);
  }),
  assets: ahead((cache) => cache.prefetchQuery(assetsQuery)),
  asset: ahead((cache, { key = "" }) => cache.prefetchQuery(assetQuery(key))),
  syncs: ahead((cache) => cache.prefetchQuery(syncsQuery)),
  sync: ahead((cache, { key = "" }) => cache.prefetchQuery(syncQuery(key))),
  connections: ahead((cache) => cache.prefetchQuery(connectionsQuery)),
  pools: ahead((cache) => cache.prefetchQuery(poolsQuery)),
  system: ahead((cache) => cache.prefetchQuery(systemQuery)),
};

function begin<P>(part: Later<P>): void {
  part.load().catch(() => undefined);
}
