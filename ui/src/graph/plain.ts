/** Shapes that need no engine to lay them out: columns draw them without a crossing, and at once. */

import type { Folded, Wire } from "@/graph/fold";
import { columns, ranks, type Direction, type Placed } from "@/graph/layout";

/** A tall column is better packed by the engine. */
const TALLEST = 12;

/**
 * The places of a shape whose boxes hang all at one root, each wire from one column to the next, where no two wires of
 * other ends meet. Undefined for any other shape.
 */
export function plain(folded: Folded, direction: Direction): Placed | undefined {
  if (folded.frames.length > 0 || folded.boxes.some((box) => box.rows)) return undefined;
  const rank = ranks(folded.boxes, folded.wires);
  const heights: number[] = [];
  for (const box of folded.boxes) {
    const at = rank.get(box.id);
    if (at === undefined) return undefined;
    heights[at] = (heights[at] ?? 0) + 1;
  }
  if (heights[0] !== 1 || heights.some((height) => height > TALLEST)) return undefined;
  const isNear = ({ source, target }: Wire) => (rank.get(target) ?? 0) - (rank.get(source) ?? 0) === 1;
  if (!folded.wires.every(isNear)) return undefined;
  const placed = columns(folded, direction);
  const middle = (id: string) => {
    const place = placed.places.get(id);
    return place ? (direction === "RIGHT" ? place.y : place.x) : 0;
  };
  const spans = folded.wires.map((wire) => {
    const ends = [middle(wire.source), middle(wire.target)];
    return { wire, column: rank.get(wire.target), from: Math.min(...ends), to: Math.max(...ends) };
  });
  const clash = spans.some((one, at) =>
    spans.slice(at + 1).some(
      (other) =>
        one.column === other.column &&
        one.wire.source !== other.wire.source &&
        one.wire.target !== other.wire.target &&
        one.from <= other.to &&
        other.from <= one.to,
    ),
  );
  return clash ? undefined : placed;
}
