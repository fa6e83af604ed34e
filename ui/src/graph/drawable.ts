/**
 * The graph of a pipeline or run as it is drawn: a mapped task is one box, what lives in a scope stands in a frame.
 *
 * The IR has two nodes for `t.map(…)`: the map, which opens the scope, and its task. People think of one task.
 */

import type { FoldEdge, FoldGroup, FoldInput, FoldNode } from "@/graph/fold";
import type { Graph, GraphNode } from "@/run/types";

export interface Drawable extends FoldInput {
  /** The nodes of the IR that a drawn one stands for, by the drawn one's id. */
  readonly covers: ReadonlyMap<string, readonly string[]>;
  readonly byId: ReadonlyMap<string, GraphNode>;
}

export function drawable(graph: Graph): Drawable {
  const byId = new Map(graph.nodes.map((node) => [node.id, node]));
  const inside = new Map<string, GraphNode[]>();
  for (const node of graph.nodes) if (node.scope) inside.set(node.scope, [...(inside.get(node.scope) ?? []), node]);
  const alias = new Map<string, string>();
  for (const [scope, members] of inside) {
    const [only] = members;
    if (members.length === 1 && only && byId.get(scope)?.kind === "map") alias.set(scope, only.id);
  }
  const frames = [...inside.keys()].filter((scope) => !alias.has(scope));
  const framed = new Set(frames);
  const home = (node: GraphNode): string | null => {
    if (node.group) return node.group;
    if (framed.has(node.id)) return scopeGroup(node.id);
    return around(node.scope);
  };
  const around = (scope: string): string | null => {
    if (framed.has(scope)) return scopeGroup(scope);
    const holder = byId.get(scope);
    return holder ? holder.group || around(holder.scope) : null;
  };
  const nodes: FoldNode[] = [];
  const covers = new Map<string, string[]>();
  for (const node of graph.nodes) {
    if (alias.has(node.id)) continue;
    const map = node.scope && alias.get(node.scope) === node.id ? node.scope : null;
    const label = framed.has(node.id) && node.kind === "map" ? "for each" : within(node, byId);
    nodes.push({
      id: node.id,
      label,
      kind: map ? "map" : node.kind,
      group: home(node),
    });
    covers.set(node.id, map ? [node.id, map] : [node.id]);
  }
  const edges = wired(graph, alias, inside, framed);
  return { nodes, edges, groups: groupsOf(graph, frames, byId, around), covers, byId };
}

/**
 * Edges between drawn nodes. A map that is framed stands at the entrance of its frame: what follows it follows the last
 * tasks inside, since those give what the map collects.
 */
function wired(
  graph: Graph,
  alias: ReadonlyMap<string, string>,
  inside: ReadonlyMap<string, readonly GraphNode[]>,
  framed: ReadonlySet<string>,
): FoldEdge[] {
  const seen = (id: string) => alias.get(id) ?? id;
  const edges: FoldEdge[] = [];
  const [sources, targets] = [new Set<string>(), new Set<string>()];
  for (const edge of graph.edges) {
    sources.add(seen(edge.source));
    targets.add(seen(edge.target));
  }
  const members = (scope: string) => [...new Set((inside.get(scope) ?? []).map((node) => seen(node.id)))];
  for (const edge of graph.edges) {
    const source = seen(edge.source);
    const lasts = framed.has(source) ? members(source).filter((id) => !sources.has(id)) : [source];
    const rest = { target: seen(edge.target), kind: edge.kind, label: edge.label || null };
    for (const last of lasts.length ? lasts : [source]) edges.push({ source: last, ...rest });
  }
  for (const scope of framed) {
    for (const first of members(scope)) {
      if (!targets.has(first)) edges.push({ source: scope, target: first, kind: "order", label: null });
    }
  }
  return edges;
}

/** The name of a node as it is known inside of its frame: `tanks` in `heat`, not `heat.tanks`. */
function within(node: GraphNode, byId: ReadonlyMap<string, GraphNode>): string {
  const own = byId.get(node.scope);
  const scope = own?.id === `${node.id}[]` ? byId.get(own.scope) : own;
  const outer = node.group || (scope?.kind === "map" ? scope.id.replace(/\[\]$/, "") : "");
  const name = node.label.replace(/\[\]$/, "");
  return outer && name.startsWith(`${outer}.`) ? name.slice(outer.length + 1) : name;
}

/** The id of the frame around what lives in a scope. */
export function scopeGroup(scope: string): string {
  return `scope:${scope}`;
}

function groupsOf(
  graph: Graph,
  frames: readonly string[],
  byId: ReadonlyMap<string, GraphNode>,
  around: (scope: string) => string | null,
): FoldGroup[] {
  const scopes = new Map<string, string>();
  for (const node of graph.nodes) if (node.group && node.scope) scopes.set(node.group, node.scope);
  const groups: FoldGroup[] = graph.groups.map(({ id, label, parent }) => ({
    id,
    label,
    parent: parent || around(scopes.get(id) ?? ""),
  }));
  const known = new Set(groups.map((group) => group.id));
  for (const { group } of graph.nodes) {
    // Steps name the flow that declared them.
    if (!group || known.has(group)) continue;
    known.add(group);
    groups.push({ id: group, label: `steps of ${byId.get(group)?.label ?? group}`, parent: null });
  }
  for (const scope of frames) {
    const holder = byId.get(scope);
    const label = (holder?.label ?? scope).replace(/\[\]$/, "");
    const parent = holder?.group || around(holder?.scope ?? "");
    groups.push({
      id: scopeGroup(scope),
      label: holder?.kind === "map" ? `${label} × each` : label,
      parent: parent || null,
    });
  }
  return groups;
}
