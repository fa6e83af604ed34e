/** Every page of the command center, each loaded when it is first opened. `pages.json` lists them for tests and palette. */

import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { aheadOf, type Ahead } from "@/app/ahead";
import { ErrorPage } from "@/app/error-page";
import { NotFound } from "@/app/not-found";
import { only, parseSearch, stringifySearch } from "@/app/search";
import { Root } from "@/app/root";
import { PageSkeleton } from "@/design/skeleton";

const root = createRootRouteWithContext<Ahead>()({ loader: aheadOf.all, component: Root, notFoundComponent: NotFound });

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  loader: aheadOf.home,
  component: lazyRouteComponent(() => import("@/home/page"), "HomePage"),
});

const pipelines = createRoute({
  getParentRoute: () => root,
  path: "/pipelines",
  validateSearch: only("search", "tag", "owner", "show"),
  loader: aheadOf.pipelines,
  component: lazyRouteComponent(() => import("@/pipelines/page"), "PipelinesPage"),
});

// The search of a view belongs to it; all are named here, so that links are checked.
const pipelineSearch = only("version", "against", "file", "task", "run", "month", "limit", "schedule", "from");

const pipeline = createRoute({
  getParentRoute: () => root,
  path: "/pipelines/$name",
  validateSearch: pipelineSearch,
  loader: aheadOf.pipeline,
  component: lazyRouteComponent(() => import("@/pipeline/page"), "PipelinePage"),
});

const pipelineView = createRoute({
  getParentRoute: () => root,
  path: "/pipelines/$name/$view",
  validateSearch: pipelineSearch,
  loader: aheadOf.pipeline,
  component: lazyRouteComponent(() => import("@/pipeline/page"), "PipelinePage"),
});

const runs = createRoute({
  getParentRoute: () => root,
  path: "/runs",
  validateSearch: only("pipeline", "state", "trigger", "search", "from", "to"),
  loader: aheadOf.runs,
  component: lazyRouteComponent(() => import("@/runs/page"), "RunsPage"),
});

const runSearch = only("task", "index", "attempt", "panel", "state", "search", "level", "value");

const run = createRoute({
  getParentRoute: () => root,
  path: "/runs/$runId",
  validateSearch: runSearch,
  loader: aheadOf.run,
  component: lazyRouteComponent(() => import("@/run/page"), "RunPage"),
});

const runView = createRoute({
  getParentRoute: () => root,
  path: "/runs/$runId/$view",
  validateSearch: runSearch,
  loader: aheadOf.run,
  component: lazyRouteComponent(() => import("@/run/page"), "RunPage"),
});

const compare = createRoute({
  getParentRoute: () => root,
  path: "/compare",
  validateSearch: only("a", "b", "show"),
  component: lazyRouteComponent(() => import("@/compare/page"), "ComparePage"),
});

const day = createRoute({
  getParentRoute: () => root,
  path: "/day",
  validateSearch: only("date", "search"),
  component: lazyRouteComponent(() => import("@/day/page"), "DayPage"),
});

const backfills = createRoute({
  getParentRoute: () => root,
  path: "/backfills",
  validateSearch: only("id"),
  component: lazyRouteComponent(() => import("@/backfills/page"), "BackfillsPage"),
});

const pools = createRoute({
  getParentRoute: () => root,
  path: "/pools",
  loader: aheadOf.pools,
  component: lazyRouteComponent(() => import("@/pools/page"), "PoolsPage"),
});

const assets = createRoute({
  getParentRoute: () => root,
  path: "/assets",
  validateSearch: only("search", "group", "owner", "show", "view", "focus", "column"),
  loader: aheadOf.assets,
  component: lazyRouteComponent(() => import("@/assets/page"), "AssetsPage"),
});

const asset = createRoute({
  getParentRoute: () => root,
  path: "/assets/$key",
  validateSearch: only("partition", "until", "kind", "check", "column"),
  loader: aheadOf.asset,
  component: lazyRouteComponent(() => import("@/assets/asset"), "AssetPage"),
});

const syncs = createRoute({
  getParentRoute: () => root,
  path: "/syncs",
  loader: aheadOf.syncs,
  component: lazyRouteComponent(() => import("@/syncs/page"), "SyncsPage"),
});

const sync = createRoute({
  getParentRoute: () => root,
  path: "/syncs/$key",
  validateSearch: only("run", "status", "search", "preview"),
  loader: aheadOf.sync,
  component: lazyRouteComponent(() => import("@/syncs/sync"), "SyncPage"),
});

const connections = createRoute({
  getParentRoute: () => root,
  path: "/connections",
  validateSearch: only("edit", "add"),
  loader: aheadOf.connections,
  component: lazyRouteComponent(() => import("@/connections/page"), "ConnectionsPage"),
});

const system = createRoute({
  getParentRoute: () => root,
  path: "/system",
  loader: aheadOf.system,
  component: lazyRouteComponent(() => import("@/system/page"), "SystemPage"),
});

const routeTree = root.addChildren([
  home,
  pipelines,
  pipeline,
  pipelineView,
  runs,
  run,
  runView,
  compare,
  day,
  backfills,
  assets,
  asset,
  syncs,
  sync,
  connections,
  pools,
  system,
]);

/** The cache comes from the entry. */
export const router = createRouter({
  routeTree,
  context: { cache: undefined as unknown as QueryClient },
  parseSearch,
  stringifySearch,
  defaultPreload: "intent",
  defaultPendingMs: 150,
  // A skeleton stays no longer than it must.
  defaultPendingMinMs: 0,
  defaultPendingComponent: PageSkeleton,
  defaultErrorComponent: ErrorPage,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
