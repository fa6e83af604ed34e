/** Columns in the graph of tables: which rows its boxes unfold, which of them a path lights, and what is left out. Pure. */

import type { AssetColumns, AssetGraph, ColumnPaths } from "@/api/types";
import { OPEN_LIMIT } from "@/graph/fold";
import type { BoxRow, RowLink, Rows } from "@/graph/rows";

/** More would make a box taller than the page. */
export const MOST_ROWS = 30;

/** A path through more tables is drawn around its column only. */
export const MOST_TABLES = 100;

/** The columns on a path, by asset. */
export type Lit = ReadonlyMap<string, ReadonlyMap<string, boolean>>;

/** Whether each column on the path is unknown, by asset and column. */
export function litOf(path: ColumnPaths | undefined): Lit {
  const lit = new Map<string, Map<string, boolean>>();
  for (const { asset, column, unknown } of path?.columns ?? []) {
    const columns = lit.get(asset) ?? new Map<string, boolean>();
    columns.set(column, unknown !== "");
    lit.set(asset, columns);
  }
  return lit;
}

/** The path as far as it can be drawn: the tables nearest to its column, both ways. */
export function nearest(path: ColumnPaths | undefined, limit = MOST_TABLES): ColumnPaths | undefined {
  if (!path || litOf(path).size <= limit) return path;
  const name = ({ asset, column }: { asset: string; column: string }) => `${asset}.${column}`;
  const around = new Map<string, (typeof path.column)[]>();
  for (const { source, target } of path.hops) {
    around.set(name(source), [...(around.get(name(source)) ?? []), target]);
    around.set(name(target), [...(around.get(name(target)) ?? []), source]);
  }
  const [kept, tables] = [new Set([name(path.column)]), new Set([path.column.asset])];
  const queue = [path.column];
  for (let at = 0; at < queue.length; at += 1) {
    const here = queue[at];
    for (const next of (here && around.get(name(here))) ?? []) {
      if (kept.has(name(next)) || (!tables.has(next.asset) && tables.size >= limit)) continue;
      kept.add(name(next));
      tables.add(next.asset);
      queue.push(next);
    }
  }
  return {
    ...path,
    columns: path.columns.filter((column) => kept.has(name(column))),
    hops: path.hops.filter(({ source, target }) => kept.has(name(source)) && kept.has(name(target))),
    is_cut: true,
  };
}

/** The graph of tables with those that only columns lead to; where all do not fit, the tables of the path alone. */
export function along(graph: AssetGraph, path: ColumnPaths | undefined): AssetGraph {
  if (!path) return graph;
  const lit = litOf(path);
  const isLarge = graph.nodes.length > OPEN_LIMIT;
  const nodes = graph.nodes.filter(({ key }) => !isLarge || lit.has(key));
  const known = new Set(graph.nodes.map(({ key }) => key));
  for (const key of lit.keys()) {
    if (!known.has(key)) {
      nodes.push({ key, group: "", external: true, state: "external", words: "known by its columns", materialized_us: 0 });
    }
  }
  const there = new Set(nodes.map(({ key }) => key));
  const edges = graph.edges.filter(({ source, target }) => there.has(source) && there.has(target));
  const pairs = new Set(edges.map(({ source, target }) => `${source}→${target}`));
  for (const { source, target } of path.hops) {
    const pair = `${source.asset}→${target.asset}`;
    if (source.asset === target.asset || pairs.has(pair)) continue;
    pairs.add(pair);
    edges.push({ source: source.asset, target: target.asset });
  }
  // What few tables have in common needs no group around it.
  return { nodes: isLarge ? nodes.map((node) => ({ ...node, group: "" })) : nodes, edges };
}

/** What each box unfolds: all columns of those that somebody opened, of others the ones on the path. */
export function rowsOf(lit: Lit, opened: readonly AssetColumns[]): Rows {
  const rows = new Map<string, BoxRow[]>();
  for (const [asset, columns] of lit) {
    rows.set(
      asset,
      [...columns].map(([name, unknown]) => ({ name, words: "", lit: true, unknown })),
    );
  }
  for (const { asset, columns } of opened) {
    const path = lit.get(asset);
    const all = columns.map((column): BoxRow => ({
      name: column.name,
      words: column.type,
      lit: path?.has(column.name) ?? false,
      unknown: column.unknown !== "",
    }));
    const known = new Set(all.map((row) => row.name));
    const others = (rows.get(asset) ?? []).filter((row) => !known.has(row.name));
    const wanted = [...others, ...all];
    // Those on the path are seen, however many there are.
    const kept = new Set([...wanted.filter((row) => row.lit), ...wanted.filter((row) => !row.lit)].slice(0, MOST_ROWS));
    rows.set(asset, wanted.filter((row) => kept.has(row)));
  }
  return rows;
}

/** The lines of a path. */
export function linksOf(path: ColumnPaths | undefined): RowLink[] {
  return (path?.hops ?? []).map(({ source, target }) => ({
    source: source.asset,
    sourceRow: source.column,
    target: target.asset,
    targetRow: target.column,
  }));
}

/** The columns that a path begins with, and those that nobody can follow: for a line of words. */
export function summaryOf(path: ColumnPaths): { columns: number; tables: number; ends: string[]; unknown: number } {
  const targets = new Set(path.hops.map(({ target }) => `${target.asset}.${target.column}`));
  // What is counted or constant has nothing behind it, and is no source.
  const sources = path.columns.filter(({ made }) => made.length === 0);
  const ends = sources.map(({ asset, column }) => `${asset}.${column}`).filter((name) => !targets.has(name));
  return { columns: path.columns.length, tables: litOf(path).size, ends, unknown: path.unknown_count };
}
