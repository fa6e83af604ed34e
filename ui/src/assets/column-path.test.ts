import { describe, expect, it } from "vitest";

import type { AssetColumns, AssetGraph, ColumnPaths } from "@/api/types";
import { along, linksOf, litOf, MOST_ROWS, MOST_TABLES, nearest, rowsOf, summaryOf } from "./column-path";

const node = (key: string, group = ""): AssetGraph["nodes"][number] => ({
  key,
  group,
  external: false,
  state: "made",
  words: "made",
  materialized_us: 1,
});
const graph: AssetGraph = {
  nodes: [node("wh.raw", "raw"), node("wh.scores", "marts"), node("wh.other", "marts")],
  edges: [
    { source: "wh.raw", target: "wh.scores" },
    { source: "wh.raw", target: "wh.other" },
  ],
};
const ref = (asset: string, column: string) => ({ asset, column });
const on = (asset: string, column: string, unknown = "") => ({ asset, column, made: [], unknown, is_end: false });
const path: ColumnPaths = {
  column: ref("crm.Contact", "Score__c"),
  columns: [on("crm.Contact", "Score__c"), on("wh.scores", "score", "a guess"), on("wh.raw", "kind"), on("wh.raw", "at")],
  hops: [
    { source: ref("wh.scores", "score"), target: ref("crm.Contact", "Score__c"), how: "identity" },
    { source: ref("wh.raw", "kind"), target: ref("wh.scores", "score"), how: "aggregation" },
    { source: ref("wh.raw", "at"), target: ref("wh.scores", "score"), how: "aggregation" },
  ],
  is_cut: false,
  unknown_count: 1,
};
const column = (name: string): AssetColumns["columns"][number] => ({
  name,
  type: "text",
  doc: "",
  checks: [],
  made: [],
  upstream: [],
  downstream: [],
  unknown: "",
});
const columnsOf = (asset: string, ...names: string[]): AssetColumns => ({
  asset,
  columns: names.map(column),
  unknown_count: 0,
  problem: "",
});

describe("the graph along a path", () => {
  it("is the graph, with the tables that only columns lead to", () => {
    const found = along(graph, path);
    expect(found.nodes.map(({ key }) => key)).toEqual(["wh.raw", "wh.scores", "wh.other", "crm.Contact"]);
    expect(found.edges).toContainEqual({ source: "wh.scores", target: "crm.Contact" });
    expect(found.edges.filter(({ source, target }) => source === "wh.raw" && target === "wh.scores")).toHaveLength(1);
    expect(along(graph, undefined)).toBe(graph);
  });

  it("is that of the path alone where all tables do not fit", () => {
    const many = Array.from({ length: 2000 }, (_, at) => node(`other.t${at}`, "others"));
    const found = along({ nodes: [...graph.nodes, ...many], edges: graph.edges }, path);
    expect(found.nodes.map(({ key, group }) => [key, group])).toEqual([
      ["wh.raw", ""],
      ["wh.scores", ""],
      ["crm.Contact", ""],
    ]);
    expect(found.edges).toHaveLength(2);
  });
});

describe("a path through more tables than can be drawn", () => {
  const chain = Array.from({ length: 300 }, (_, at) => ref(`wh.t${at}`, "v"));
  const long: ColumnPaths = {
    ...path,
    column: ref("wh.t150", "v"),
    columns: chain.map(({ asset, column: name }) => on(asset, name)),
    hops: chain.slice(1).map((target, at) => ({ source: chain[at] ?? target, target, how: "identity" })),
  };

  it("is drawn around its column, both ways", () => {
    const found = nearest(long, 11);
    expect(found?.columns.map(({ asset }) => asset)).toEqual(chain.slice(145, 156).map(({ asset }) => asset));
    expect(found?.hops).toHaveLength(10);
    expect(found?.is_cut).toBe(true);
    expect(litOf(nearest(long)).size).toBe(MOST_TABLES);
  });

  it("is whole where it fits", () => {
    expect(nearest(path)).toBe(path);
    expect(nearest(undefined)).toBeUndefined();
  });
});

describe("rows of boxes", () => {
  it("are the columns of the path, and all of what was opened", () => {
    const rows = rowsOf(litOf(path), [columnsOf("wh.raw", "id", "kind", "at"), columnsOf("wh.other", "x")]);
    expect(rows.get("wh.scores")).toEqual([{ name: "score", words: "", lit: true, unknown: true }]);
    expect(rows.get("wh.raw")?.map(({ name, lit }) => [name, lit])).toEqual([
      ["id", false],
      ["kind", true],
      ["at", true],
    ]);
    expect(rows.get("wh.other")).toEqual([{ name: "x", words: "text", lit: false, unknown: false }]);
  });

  it("are never too many, and those of the path always among them", () => {
    const names = [...Array.from({ length: 80 }, (_, at) => `c${at}`), "kind"];
    const rows = rowsOf(litOf(path), [columnsOf("wh.raw", ...names)]).get("wh.raw") ?? [];
    expect(rows).toHaveLength(MOST_ROWS);
    expect(rows.map(({ name }) => name)).toContain("kind");
    expect(rows.map(({ name }) => name)).toContain("at");
  });

  it("are none without a path and without anything opened", () => {
    expect(rowsOf(litOf(undefined), []).size).toBe(0);
    expect(linksOf(undefined)).toEqual([]);
  });
});

it("a path in words: how much, where it begins, and what nobody knows", () => {
  expect(summaryOf(path)).toEqual({ columns: 4, tables: 3, ends: ["wh.raw.kind", "wh.raw.at"], unknown: 1 });
  expect(linksOf(path)[0]).toEqual({ source: "wh.scores", sourceRow: "score", target: "crm.Contact", targetRow: "Score__c" });
});
