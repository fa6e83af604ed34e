import { QueryClient, type InfiniteData } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";
import { applyAssets, forgetAssets } from "@/api/asset-patches";
import type { AssetEvent, AssetGraph, AssetSummary, Page, PartitionStates } from "@/api/types";

const event = (run_id: string, kind: AssetEvent["kind"], partition = ""): AssetEvent =>
  ({ run_id, kind, partition, task: "t", index: [], attempt: 1, check: "" }) as unknown as AssetEvent;

const isStale = (cache: QueryClient, ...key: unknown[]) => cache.getQueryState(key)?.isInvalidated;

describe("applyAssets", () => {
  it("replaces assets of a list by key, and takes in new ones", () => {
    const cache = new QueryClient();
    cache.setQueryData(["assets"], { items: [{ key: "a" }, { key: "c", stale: false }], next: null });
    applyAssets(cache, { topic: "assets", kind: "assets", data: [{ key: "c", stale: true }, { key: "b" }] });
    expect(cache.getQueryData<Page<AssetSummary>>(["assets"])?.items).toEqual([{ key: "a" }, { key: "b" }, { key: "c", stale: true }]);
  });

  it("marks the nodes of the graph, and asks for it again when one is new", () => {
    const cache = new QueryClient();
    cache.setQueryData(["assets-graph"], { nodes: [{ key: "a", state: "missing" }], edges: [] });
    applyAssets(cache, { topic: "assets", kind: "asset_nodes", data: [{ key: "a", state: "made" }] });
    expect(cache.getQueryData<AssetGraph>(["assets-graph"])?.nodes).toEqual([{ key: "a", state: "made" }]);
    expect(isStale(cache, "assets-graph")).toBe(false);
    applyAssets(cache, { topic: "assets", kind: "asset_nodes", data: [{ key: "b" }] });
    expect(cache.getQueryData<AssetGraph>(["assets-graph"])?.nodes).toHaveLength(1);
  });

  it("changes the cells of slices, and asks again for one that has come to be", () => {
    const cache = new QueryClient();
    cache.setQueryData(["asset-partitions", "a"], { keys: ["x", "y"], cells: ".m", across: [], names: [] });
    applyAssets(cache, { topic: "asset:a", kind: "asset_slices", data: [{ partition: "x", state: "failing" }] });
    expect(cache.getQueryData<PartitionStates>(["asset-partitions", "a"])?.cells).toBe("fm");
    applyAssets(cache, { topic: "asset:a", kind: "asset_slices", data: [{ partition: "z", state: "made" }] });
    expect(isStale(cache, "asset-partitions", "a")).toBe(true);
  });

  it("puts events at the head of each history that they belong to, once", () => {
    const cache = new QueryClient();
    const pages = (items: AssetEvent[]) => ({ pages: [{ items, next: null }], pageParams: [""] });
    cache.setQueryData(["asset-events", "a", "", ""], pages([event("r1", "materialized")]));
    cache.setQueryData(["asset-events", "a", "checked", ""], pages([]));
    cache.setQueryData(["asset-checks", "a", ""], {});
    cache.setQueryData(["asset-measures", "a", ""], {});
    const news = [event("r1", "materialized"), event("r2", "materialized"), event("r2", "observed")];
    applyAssets(cache, { topic: "asset:a", kind: "asset_events", data: news });
    const items = (kind: string) => cache.getQueryData<InfiniteData<Page<AssetEvent>>>(["asset-events", "a", kind, ""])?.pages[0]?.items ?? [];
    expect(items("").map((each) => `${each.run_id} ${each.kind}`)).toEqual(["r2 observed", "r2 materialized", "r1 materialized"]);
    expect(items("checked")).toEqual([]);
    expect([isStale(cache, "asset-checks", "a", ""), isStale(cache, "asset-measures", "a", "")]).toEqual([false, true]);
  });
});

describe("forgetAssets", () => {
  it("asks again for what a topic is about, unless it just was asked for", () => {
    const cache = new QueryClient();
    cache.setQueryData(["assets"], {}, { updatedAt: 10 });
    cache.setQueryData(["asset", "a"], {}, { updatedAt: 10 });
    cache.setQueryData(["asset", "b"], {}, { updatedAt: 10 });
    forgetAssets(cache, "asset:a", 20);
    expect([isStale(cache, "assets"), isStale(cache, "asset", "a"), isStale(cache, "asset", "b")]).toEqual([false, true, false]);
    forgetAssets(cache, "assets", 5);
    expect(isStale(cache, "assets")).toBe(false);
    forgetAssets(cache, "assets", 20);
    expect(isStale(cache, "assets")).toBe(true);
  });
});
