/** What the asset pages ask; what is told of data afterwards comes over the topics `assets` and `asset:KEY`. */

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, seg } from "@/api/client";
import { allPages } from "@/api/queries";
import type {
  AssetCheck,
  AssetColumns,
  AssetDetail,
  AssetEvent,
  AssetGraph,
  AssetMeasures,
  AssetSlice,
  AssetSummary,
  AutomationDecision,
  ColumnPaths,
  Page,
  PartitionStates,
} from "@/api/types";

/** All of them, so that searching never waits. */
export const assetsQuery = queryOptions({
  queryKey: ["assets"],
  queryFn: ({ signal }) => allPages<AssetSummary>("/assets", {}, signal),
});

export const assetGraphQuery = queryOptions({
  queryKey: ["assets-graph"],
  queryFn: ({ signal }) => get<AssetGraph>("/assets-graph", {}, signal),
});

export const assetQuery = (key: string) =>
  queryOptions({
    queryKey: ["asset", key],
    queryFn: ({ signal }) => get<AssetDetail>(`/assets/${seg(key)}`, {}, signal),
    });

export const partitionsQuery = (key: string) =>
  queryOptions({
    queryKey: ["asset-partitions", key],
    queryFn: ({ signal }) => get<PartitionStates>(`/assets/${seg(key)}/partitions`, {}, signal),
    });

export const sliceQuery = (key: string, partition: string) =>
  queryOptions({
    queryKey: ["asset-slice", key, partition],
    queryFn: ({ signal }) => get<AssetSlice>(`/assets/${seg(key)}/slice`, { partition }, signal),
    });

export const checksQuery = (key: string, partition: string) =>
  queryOptions({
    queryKey: ["asset-checks", key, partition],
    queryFn: ({ signal }) => get<Page<AssetCheck>>(`/assets/${seg(key)}/checks`, { partition: partition || undefined }, signal),
  });

export const measuresQuery = (key: string, partition: string) =>
  queryOptions({
    queryKey: ["asset-measures", key, partition],
    queryFn: ({ signal }) => get<AssetMeasures>(`/assets/${seg(key)}/measures`, { partition: partition || undefined }, signal),
  });

/** The newest ones. The asset tells how many there ever were and when it was made last, so that what is new is asked for once. */
export const decisionsQuery = (key: string, decided: number, madeUs: number) =>
  queryOptions({
    queryKey: ["asset-automation", key, decided, madeUs],
    queryFn: ({ signal }) => get<Page<AutomationDecision>>(`/assets/${seg(key)}/automation`, { limit: 20 }, signal),
    placeholderData: (before) => before,
    enabled: decided > 0,
  });

export const eventsQuery = (key: string, kind: string, partition: string) =>
  infiniteQueryOptions({
    queryKey: ["asset-events", key, kind, partition],
    initialPageParam: "",
    queryFn: ({ signal, pageParam }) =>
      get<Page<AssetEvent>>(
        `/assets/${seg(key)}/events`,
        { kind, partition: partition || undefined, limit: 50, cursor: pageParam },
        signal,
      ),
    getNextPageParam: (page) => page.next,
  });

/** Where columns come from follows from the files and the tables: it changes with an edit or a run, and costs seconds then. */
export const columnsQuery = (key: string) =>
  queryOptions({
    queryKey: ["asset-columns", key],
    queryFn: ({ signal }) => get<AssetColumns>(`/assets/${seg(key)}/columns`, {}, signal),
  });

/** The way of one column, both ways. */
export const columnPathQuery = (column: string) =>
  queryOptions({
    queryKey: ["lineage", column],
    queryFn: ({ signal }) => get<ColumnPaths>("/lineage", { column }, signal),
    enabled: column !== "",
  });
