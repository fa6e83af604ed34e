/** Wires as they are drawn: the ways that the layout found around boxes, with rounded corners. Pure. */

import type { Wire } from "@/graph/fold";

/** Corners of a wire, x and y in turn, from the edge of its source to the edge of its target. */
export type Route = readonly number[];

/** One line of the drawing. All wires of a box that look alike are one: the drawing costs by box, not by wire. */
export interface Strand {
  readonly key: string;
  readonly look: string;
  readonly d: string;
}

export interface Said {
  readonly id: string;
  readonly text: string;
  readonly x: number;
  readonly y: number;
}

const RADIUS = 7;

/** The path of a route: straight pieces, and corners no rounder than half of the shorter piece beside them. */
export function pathOf(route: Route, radius = RADIUS): string {
  const points = corners(route);
  const [first, ...rest] = points;
  if (!first) return "";
  const parts = [`M${first.x} ${first.y}`];
  rest.forEach((here, at) => {
    const before = points[at];
    const after = points[at + 2];
    if (!before || !after) {
      parts.push(`L${here.x} ${here.y}`);
      return;
    }
    const [from, to] = [toward(here, before, radius), toward(here, after, radius)];
    parts.push(`L${from.x} ${from.y}Q${here.x} ${here.y} ${to.x} ${to.y}`);
  });
  return parts.join("");
}

/** Lines to draw, those that matter last, so that they lie on top. */
export function strands(
  wires: readonly Wire[],
  routes: ReadonlyMap<string, Route>,
  lookOf: (wire: Wire) => string,
): Strand[] {
  const found = new Map<string, { key: string; look: string; d: string[] }>();
  for (const wire of wires) {
    const route = routes.get(wire.id);
    if (!route) continue;
    const look = lookOf(wire);
    const key = `${look}|${wire.source}`;
    const strand = found.get(key);
    if (strand) strand.d.push(pathOf(route));
    else found.set(key, { key, look, d: [pathOf(route)] });
  }
  const all = [...found.values()].map(({ key, look, d }) => ({ key, look, d: d.join("") }));
  return all.sort((a, b) => weight(a.look) - weight(b.look));
}

/** Labels of wires, at the middle of the longest piece. */
export function labels(wires: readonly Wire[], routes: ReadonlyMap<string, Route>): Said[] {
  return wires.flatMap((wire) => {
    const points = wire.label ? corners(routes.get(wire.id) ?? []) : [];
    let longest = -1;
    let place = { x: 0, y: 0 };
    points.slice(1).forEach((to, at) => {
      const from = points[at];
      const length = from ? Math.hypot(to.x - from.x, to.y - from.y) : -1;
      if (!from || length <= longest) return;
      longest = length;
      place = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
    });
    return longest < 0 ? [] : [{ id: wire.id, text: wire.label, ...place }];
  });
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function corners(route: Route): Point[] {
  const points: Point[] = [];
  for (let at = 0; at + 1 < route.length; at += 2) points.push({ x: route[at] ?? 0, y: route[at + 1] ?? 0 });
  return points;
}

function toward(from: Point, to: Point, radius: number): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const share = length > 0 ? Math.min(radius, length / 2) / length : 0;
  return { x: tenth(from.x + (to.x - from.x) * share), y: tenth(from.y + (to.y - from.y) * share) };
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

function weight(look: string): number {
  return (look.includes("critical") ? 2 : 0) + (look.includes("near") ? 1 : 0);
}
