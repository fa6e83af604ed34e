/** Applies what the stream tells of data to the query cache: rows of assets, slices and events take the place of older ones. */

import type { InfiniteData, QueryClient, QueryKey } from "@tanstack/react-query";
import type { AssetDetail, AssetEvent, AssetGraph, AssetSummary, Page, PartitionStates } from "@/api/types";

export type AssetFrameKind = "assets" | "asset_nodes" | "asset" | "asset_slices" | "asset_events";

interface AssetFrame {
  topic: string;
  kind: AssetFrameKind;
  data: unknown[];
}

type Node = AssetGraph["nodes"][number];
type SliceChange = { partition: string; state: "missing" | "made" | "stale" | "failing" };

const LETTERS: Record<SliceChange["state"], string> = { missing: ".", made: "m", stale: "s", failing: "f" };
/** What is asked of one asset; the second part of the key is its own. */
const OF_ONE = ["asset", "asset-partitions", "asset-slice", "asset-events", "asset-checks", "asset-measures"];

export function applyAssets(cache: QueryClient, { topic, kind, data }: AssetFrame): void {
  const key = topic.slice("asset:".length);
  switch (kind) {
    case "assets":
      cache.setQueryData<Page<AssetSummary>>(["assets"], (page) => page && { ...page, items: byKey(page.items, data as AssetSummary[]) });
      return;
    case "asset_nodes":
      applyNodes(cache, data as Node[]);
      return;
    case "asset":
      for (const row of data as AssetDetail[]) cache.setQueryData<AssetDetail>(["asset", row.key], row);
      return;
    case "asset_slices":
      applySlices(cache, key, data as SliceChange[]);
      return;
    case "asset_events":
      applyEvents(cache, key, data as AssetEvent[]);
  }
}

/** What was missed cannot be told: whatever is there of the topic is asked for again, unless it just was. */
export function forgetAssets(cache: QueryClient, topic: string, beforeMs: number): void {
  const isConcerned = ([kind, key]: QueryKey): boolean =>
    topic === "assets" ? kind === "assets" || kind === "assets-graph" : OF_ONE.includes(String(kind)) && `asset:${String(key)}` === topic;
  void cache.invalidateQueries({
    predicate: ({ queryKey, state }) => state.dataUpdatedAt > 0 && state.dataUpdatedAt < beforeMs && isConcerned(queryKey),
  });
}

function byKey<T extends { key: string }>(rows: readonly T[], news: readonly T[]): T[] {
  const fresh = new Map(news.map((row) => [row.key, row]));
  const kept = rows.map((row) => {
    const replacement = fresh.get(row.key);
    fresh.delete(row.key);
    return replacement ?? row;
  });
  return fresh.size ? [...kept, ...fresh.values()].sort((a, b) => (a.key < b.key ? -1 : 1)) : kept;
}

function applyNodes(cache: QueryClient, nodes: readonly Node[]): void {
  const graph = cache.getQueryData<AssetGraph>(["assets-graph"]);
  if (!graph) return;
  const known = new Set(graph.nodes.map((node) => node.key));
  // What leads to a new one, only the server knows.
  if (nodes.some((node) => !known.has(node.key))) void cache.invalidateQueries({ queryKey: ["assets-graph"] });
  cache.setQueryData<AssetGraph>(["assets-graph"], { ...graph, nodes: byKey(graph.nodes, nodes.filter((node) => known.has(node.key))) });
}

function applySlices(cache: QueryClient, key: string, changes: readonly SliceChange[]): void {
  const states = cache.getQueryData<PartitionStates>(["asset-partitions", key]);
  for (const { partition } of changes) void cache.invalidateQueries({ queryKey: ["asset-slice", key, partition] });
  if (!states) return;
  const at = new Map(states.keys.map((each, index) => [each, index]));
  const cells = [...states.cells];
  for (const { partition, state } of changes) {
    const index = at.get(partition);
    if (index === undefined) {
      // A window that has come to be since: where it stands, the server says.
      void cache.invalidateQueries({ queryKey: ["asset-partitions", key] });
      return;
    }
    cells[index] = LETTERS[state];
  }
  cache.setQueryData<PartitionStates>(["asset-partitions", key], { ...states, cells: cells.join("") });
}

function applyEvents(cache: QueryClient, key: string, events: readonly AssetEvent[]): void {
  for (const [queryKey, pages] of cache.getQueriesData<InfiniteData<Page<AssetEvent>>>({ queryKey: ["asset-events", key] })) {
    const [, , kind, partition] = queryKey as [string, string, string, string];
    const mine = events.filter((event) => (!kind || event.kind === kind) && (!partition || event.partition === partition));
    const [first, ...older] = pages?.pages ?? [];
    if (!pages || !first || mine.length === 0) continue;
    const known = new Set(first.items.map(nameOf));
    const news = mine.filter((event) => !known.has(nameOf(event))).reverse();
    if (news.length) cache.setQueryData(queryKey, { ...pages, pages: [{ ...first, items: [...news, ...first.items] }, ...older] });
  }
  for (const partition of new Set(events.map((event) => event.partition))) void cache.invalidateQueries({ queryKey: ["asset-slice", key, partition] });
  if (events.some((event) => event.kind === "checked")) void cache.invalidateQueries({ queryKey: ["asset-checks", key] });
  if (events.some((event) => event.kind !== "checked")) void cache.invalidateQueries({ queryKey: ["asset-measures", key] });
}

/** Of an event, within its asset. */
export function nameOf({ run_id, task, index, attempt, kind, check, partition }: AssetEvent): string {
  return `${run_id} ${task} ${index.join(".")} ${attempt} ${kind} ${check} ${partition}`;
}
