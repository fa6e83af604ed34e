/** What a page asks first, asked while its code and the session are still on their way; the page finds it in the cache. */

import type { QueryClient } from "@tanstack/react-query";
import { poolsQuery, pipelineQuery, pipelinesQuery, runQuery, sessionQuery, systemQuery } from "@/api/queries";
import { assetQuery, assetsQuery } from "@/assets/queries";
import { runGraphQuery, timelineQuery } from "@/run/queries";

export interface Ahead {
  cache: QueryClient;
}

interface Opened {
  context: Ahead;
  params: { name?: string; runId?: string; view?: string; key?: string };
  /** `preload`: somebody only points at a link. */
  cause: string;
}

type Asks = (cache: QueryClient, params: Opened["params"]) => unknown;

/** A loader that waits for nothing: what fails is asked again by the page, which says so. */
export const ahead =
  (asks: Asks) =>
  ({ context, params, cause }: Opened): void => {
    // A key in the address is traded for a session first.
    if (cause !== "preload" && !new URLSearchParams(window.location.search).has("key")) asks(context.cache, params);
  };

export const aheadOf = {
  all: ahead((cache) => cache.prefetchQuery(sessionQuery)),
  pipelines: ahead((cache) => cache.prefetchQuery(pipelinesQuery())),
  pipeline: ahead((cache, { name = "" }) => cache.prefetchQuery(pipelineQuery(name))),
  run: ahead((cache, { runId = "", view = "graph" }) => {
    void cache.prefetchQuery(runQuery(runId));
    void cache.prefetchQuery(runGraphQuery(runId));
    if (view === "timeline") void cache.prefetchQuery(timelineQuery(runId));
    if (view === "graph") void import("@/graph/graph-view");
  }),
  assets: ahead((cache) => cache.prefetchQuery(assetsQuery)),
  asset: ahead((cache, { key = "" }) => cache.prefetchQuery(assetQuery(key))),
  pools: ahead((cache) => cache.prefetchQuery(poolsQuery)),
  system: ahead((cache) => cache.prefetchQuery(systemQuery)),
};
