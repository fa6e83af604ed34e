/**
 * Where the boxes of a folded graph stand: elk in its own worker, and the places kept by the hash of the shape.
 *
 * `toElk` and `fromElk` are pure; `Layouts` asks each shape once, so that patches of state never lay out again, and
 * a graph that is opened a second time stands at once.
 */

import type { Box, Folded, Frame, Wire } from "./fold";
import { hash } from "./hash";
import type { Route } from "./routes";

export const BOX_WIDTH = 196;
export const BOX_HEIGHT = 52;
export const ROW_HEIGHT = 22;
const FRAME_TOP = 34;
const FRAME_SIDE = 14;

/** Frames do not inherit it. */
const SPACING = { "elk.layered.spacing.nodeNodeBetweenLayers": "64", "elk.spacing.nodeNode": "22" };

export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Places of boxes and frames by id, relative to the parent's corner; ways of wires, and the size of all. */
export interface Placed {
  readonly places: ReadonlyMap<string, Place>;
  readonly routes: ReadonlyMap<string, Route>;
  readonly width: number;
  readonly height: number;
}

export interface ElkNode {
  id: string;
  width?: number;
  height?: number;
  x?: number;
  y?: number;
  children?: ElkNode[];
  edges?: ElkEdge[];
  layoutOptions?: Record<string, string>;
}

export interface ElkEdge {
  id: string;
  sources: string[];
  targets: string[];
  sections?: { startPoint: ElkPoint; endPoint: ElkPoint; bendPoints?: ElkPoint[] }[];
}

interface ElkPoint {
  x: number;
  y: number;
}

export type Direction = "RIGHT" | "DOWN";

/** A box with rows is taller. */
export function heightOf({ rows = 0 }: Box): number {
  return BOX_HEIGHT + (rows > 0 ? rows * ROW_HEIGHT + 6 : 0);
}

/** Two folded graphs of one shape have one key, whatever their states. */
export function shapeKey(folded: Folded, direction: Direction): string {
  const boxes = folded.boxes.map((box) => `${box.id}^${box.parent ?? ""}${box.rows ? `#${box.rows}` : ""}`).join("|");
  const wires = folded.wires.map((wire) => wire.id).join("|");
  const frames = folded.frames.map((frame) => `${frame.id}^${frame.parent ?? ""}`).join("|");
  return hash(`${direction};${boxes};${wires};${frames}`);
}

/** The graph in elk's words; edges hang at the root, where `INCLUDE_CHILDREN` lets them cross frames. */
export function toElk(folded: Folded, direction: Direction): ElkNode {
  const root: ElkNode = {
    id: "<root>",
    children: [],
    edges: folded.wires.map((wire) => ({ id: wire.id, sources: [wire.source], targets: [wire.target] })),
    layoutOptions: {
      "elk.algorithm": "layered",
      "elk.direction": direction,
      "elk.hierarchyHandling": "INCLUDE_CHILDREN",
      ...SPACING,
      "elk.spacing.componentComponent": "40",
      "elk.edgeRouting": "ORTHOGONAL",
      "elk.json.edgeCoords": "ROOT",
      "elk.layered.spacing.edgeEdgeBetweenLayers": "7",
      "elk.layered.spacing.edgeNodeBetweenLayers": "16",
      "elk.spacing.edgeNode": "12",
      "elk.layered.nodePlacement.strategy": folded.boxes.length > 200 ? "BRANDES_KOEPF" : "NETWORK_SIMPLEX",
      "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
      "elk.layered.thoroughness": folded.boxes.length > 200 ? "2" : "7",
    },
  };
  const frames = new Map<string, ElkNode>();
  for (const frame of folded.frames) {
    const node: ElkNode = {
      id: frameId(frame.id),
      children: [],
      layoutOptions: {
        ...SPACING,
        "elk.padding": `[top=${FRAME_TOP},left=${FRAME_SIDE},bottom=${FRAME_SIDE},right=${FRAME_SIDE}]`,
      },
    };
    frames.set(frame.id, node);
    const parent = frame.parent === null ? root : (frames.get(frame.parent) ?? root);
    parent.children?.push(node);
  }
  for (const box of folded.boxes) {
    const parent = box.parent === null ? root : (frames.get(box.parent) ?? root);
    parent.children?.push({ id: box.id, width: BOX_WIDTH, height: heightOf(box) });
  }
  return root;
}

/** The id of the frame of an open group: not that of its folded box, whose place is another. */
export function frameId(group: string): string {
  return `frame:${group}`;
}

/** What elk answered, flat. */
export function fromElk(root: ElkNode): Placed {
  const places = new Map<string, Place>();
  const walk = (node: ElkNode) => {
    for (const child of node.children ?? []) {
      places.set(child.id, { x: child.x ?? 0, y: child.y ?? 0, width: child.width ?? 0, height: child.height ?? 0 });
      walk(child);
    }
  };
  walk(root);
  const routes = new Map((root.edges ?? []).map((edge) => [edge.id, routeOf(edge)]));
  return { places, routes, width: root.width ?? 0, height: root.height ?? 0 };
}

function routeOf(edge: ElkEdge): Route {
  const [section] = edge.sections ?? [];
  if (!section) return [];
  const points = [section.startPoint, ...(section.bendPoints ?? []), section.endPoint];
  return points.flatMap(({ x, y }) => [Math.round(x), Math.round(y)]);
}

/**
 * Columns by longest path, each beside the middle of the tallest: the answer while elk works (or cannot), in
 * O(boxes + wires).
 *
 * Within a column the order follows the mean of the upstream rows, once; crossings remain, but nothing overlaps.
 */
export function columns(folded: Folded, direction: Direction): Placed {
  const rank = ranks(folded.boxes, folded.wires);
  const rows = new Map<string, number>();
  const into = new Map<string, string[]>();
  for (const wire of folded.wires) into.set(wire.target, [...(into.get(wire.target) ?? []), wire.source]);
  const byRank: Box[][] = [];
  for (const box of folded.boxes) (byRank[rank.get(box.id) ?? 0] ??= []).push(box);
  const places = new Map<string, Place>();
  const tall = Math.max(BOX_HEIGHT, ...folded.boxes.map(heightOf));
  const step = (direction === "RIGHT" ? tall : BOX_WIDTH) + 22;
  const tallest = Math.max(0, ...byRank.map((column) => column.length));
  byRank.forEach((column, at) => {
    const wish = (box: Box) => {
      const above = (into.get(box.id) ?? []).map((id) => rows.get(id) ?? 0);
      return above.length ? above.reduce((sum, each) => sum + each, 0) / above.length : 0;
    };
    const ordered = column.map((box, i) => ({ box, i, wish: wish(box) }));
    ordered.sort((a, b) => a.wish - b.wish || a.i - b.i);
    ordered.forEach(({ box }, row) => {
      rows.set(box.id, row - (ordered.length - 1) / 2);
      const across = (row + (tallest - ordered.length) / 2) * step;
      const along = at * ((direction === "RIGHT" ? BOX_WIDTH : tall) + 64);
      const [x, y] = direction === "RIGHT" ? [along, across] : [across, along];
      places.set(box.id, { x, y, width: BOX_WIDTH, height: heightOf(box) });
    });
  });
  const breadth = Math.max(0, tallest - 1) * step;
  const length = byRank.length * ((direction === "RIGHT" ? BOX_WIDTH : tall) + 64);
  const [width, height] = direction === "RIGHT" ? [length, breadth + tall] : [breadth + BOX_WIDTH, length];
  return { places, routes: straight(folded.wires, places, direction), width, height };
}

/** From the end of one column to the begin of another: through boxes between them, as a draft may. */
function straight(
  wires: readonly Wire[],
  places: ReadonlyMap<string, Place>,
  direction: Direction,
): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>();
  for (const wire of wires) {
    const [from, to] = [places.get(wire.source), places.get(wire.target)];
    if (!from || !to) continue;
    if (direction === "RIGHT") {
      const [y, end, x] = [from.y + from.height / 2, to.y + to.height / 2, to.x - 32];
      routes.set(wire.id, [from.x + from.width, y, x, y, x, end, to.x, end]);
    } else {
      const [x, end, y] = [from.x + from.width / 2, to.x + to.width / 2, to.y - 32];
      routes.set(wire.id, [x, from.y + from.height, x, y, end, y, end, to.y]);
    }
  }
  return routes;
}

/** The longest path to each box; a cycle (there is none in a graph of tasks) would end the walk, not hang it. */
export function ranks(boxes: readonly Box[], wires: readonly Wire[]): Map<string, number> {
  const out = new Map<string, string[]>();
  const waiting = new Map<string, number>(boxes.map((box) => [box.id, 0]));
  for (const wire of wires) {
    const targets = out.get(wire.source);
    if (targets) targets.push(wire.target);
    else out.set(wire.source, [wire.target]);
    waiting.set(wire.target, (waiting.get(wire.target) ?? 0) + 1);
  }
  const rank = new Map<string, number>();
  const queue = boxes.filter((box) => waiting.get(box.id) === 0).map((box) => box.id);
  for (const id of queue) rank.set(id, 0);
  for (let at = 0; at < queue.length; at += 1) {
    const id = queue[at];
    if (id === undefined) break;
    for (const target of out.get(id) ?? []) {
      rank.set(target, Math.max(rank.get(target) ?? 0, (rank.get(id) ?? 0) + 1));
      const left = (waiting.get(target) ?? 1) - 1;
      waiting.set(target, left);
      if (left === 0) queue.push(target);
    }
  }
  return rank;
}

/** Without frames: what `columns` draws has none, since its columns cut through groups. */
export function withoutFrames(folded: Folded): Folded {
  const frames: Frame[] = [];
  return { ...folded, frames, boxes: folded.boxes.map((box) => ({ ...box, parent: null })) };
}
