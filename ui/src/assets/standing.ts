/** How an asset stands, in one word and the shape of a state; and which assets a list shows. */

import type { AssetGraph, AssetSummary, Graph, TaskState } from "@/api/types";

export type Standing = AssetGraph["nodes"][number]["state"];

interface Look {
  word: string;
  /** Whose shape and colour it has. */
  state: TaskState;
}

export const STANDINGS: Record<Standing, Look> = {
  failing: { word: "failing", state: "failed" },
  stale: { word: "stale", state: "retrying" },
  missing: { word: "never made", state: "waiting" },
  made: { word: "fresh", state: "succeeded" },
  external: { word: "external", state: "skipped" },
};

/** The worst first, as people look for it. */
const ORDER = Object.keys(STANDINGS) as Standing[];

export function standingOf(asset: AssetSummary): Standing {
  if (asset.failing_checks.length) return "failing";
  if (asset.external) return "external";
  if (!asset.last?.materialized_us) return "missing";
  return asset.stale ? "stale" : "made";
}

export function worstOf(standings: readonly Standing[]): Standing {
  return ORDER.find((each) => standings.includes(each)) ?? "missing";
}

/** Why, for people: the checks that fail, or what changed. */
export function reasonOf(asset: AssetSummary): string {
  if (asset.failing_checks.length) return asset.failing_checks.map(({ check, severity }) => `${check} (${severity})`).join(", ");
  return asset.why.join(", ");
}

export interface Choice {
  search?: string | undefined;
  group?: string | undefined;
  owner?: string | undefined;
  show?: string | undefined;
}

export function chosen(assets: readonly AssetSummary[], { search = "", group = "", owner = "", show = "" }: Choice): AssetSummary[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return assets.filter((asset) => {
    const text = [asset.key, asset.doc, asset.group, asset.owner, ...asset.tags].join(" ").toLowerCase();
    return (
      words.every((word) => text.includes(word)) &&
      (!group || asset.group === group) &&
      (!owner || asset.owner === owner) &&
      (!show || standingOf(asset) === show || (show === "overdue" && asset.freshness?.state === "overdue"))
    );
  });
}

export function valuesOf(assets: readonly AssetSummary[], of: (asset: AssetSummary) => string): string[] {
  return [...new Set(assets.map(of))].filter(Boolean).sort();
}

/** The key without what a frame says already, or without the connection of a table in a schema: boxes are narrow. */
export function labelOf(key: string, group: string): string {
  const at = group ? `.${key}`.indexOf(`.${group}.`) : -1;
  if (at >= 0) return key.slice(at + group.length + 1);
  return key.split(".").length > 2 ? key.slice(key.indexOf(".") + 1) : key;
}

/** The lineage as the drawing of graphs takes it: groups are folders, an asset is a task. */
export function drawn(graph: AssetGraph): Graph {
  const groups = [...new Set(graph.nodes.map((node) => node.group))].filter(Boolean).sort();
  return {
    pipeline: "all assets",
    version: "",
    nodes: graph.nodes.map(({ key, group }) => ({
      id: key,
      label: labelOf(key, group),
      kind: "task",
      group,
      scope: "",
      rule: "all_success",
      doc: "",
      retries: 0,
      pools: [],
      origin: null,
      tags: [],
      hook: "",
      teardown_of: "",
      host: "",
    })),
    edges: graph.edges.map(({ source, target }) => ({ source, target, kind: "data", label: "" })),
    groups: groups.map((group) => ({ id: group, label: group, parent: "" })),
  };
}
