/** Boxes that unfold lines below their names, such as the columns of a table, and the lines between those. Pure. */

import type { Box, Folded } from "@/graph/fold";
import { BOX_HEIGHT, frameId, ROW_HEIGHT, type Placed } from "@/graph/layout";
import type { Strand } from "@/graph/routes";

export interface BoxRow {
  readonly name: string;
  /** What else it says, such as a type. */
  readonly words: string;
  /** On the path that is shown. */
  readonly lit: boolean;
  /** Nobody can follow it. */
  readonly unknown: boolean;
}

/** By the id of a node. */
export type Rows = ReadonlyMap<string, readonly BoxRow[]>;

/** From a row of one node to a row of another. */
export interface RowLink {
  readonly source: string;
  readonly sourceRow: string;
  readonly target: string;
  readonly targetRow: string;
}

export const NO_ROWS: Rows = new Map();

/** The shape with the boxes that have rows. Groups and bundles stand for several nodes: they unfold nothing. */
export function unfolded(shape: Folded, rows: Rows): Folded {
  if (rows.size === 0) return shape;
  const boxes = shape.boxes.map((box): Box => {
    const count = box.kind === "task" ? (rows.get(box.id)?.length ?? 0) : 0;
    return count > 0 ? { ...box, rows: count } : box;
  });
  return { ...shape, boxes };
}

/** A line from row to row; where a box shows no rows, from its middle. */
export function rowStrands(shape: Folded, placed: Placed, rows: Rows, links: readonly RowLink[]): Strand[] {
  const boxes = new Map(shape.boxes.flatMap((box) => box.members.map((member) => [member, box] as const)));
  const corner = (box: Box) => {
    const own = placed.places.get(box.id);
    const frame = box.parent === null ? undefined : placed.places.get(frameId(box.parent));
    return own && { x: own.x + (frame?.x ?? 0), y: own.y + (frame?.y ?? 0), width: own.width };
  };
  return links.flatMap((link): Strand[] => {
    const [from, to] = [boxes.get(link.source), boxes.get(link.target)];
    const [a, b] = [from && corner(from), to && corner(to)];
    if (!from || !to || from === to || !a || !b) return [];
    const y1 = a.y + middleOf(rows.get(link.source), from, link.sourceRow);
    const y2 = b.y + middleOf(rows.get(link.target), to, link.targetRow);
    const x1 = a.x + a.width;
    const bend = Math.max(28, Math.abs(b.x - x1) / 2);
    const d = `M${x1} ${y1}C${x1 + bend} ${y1} ${b.x - bend} ${y2} ${b.x} ${y2}`;
    return [{ key: `${link.source}.${link.sourceRow}→${link.target}.${link.targetRow}`, look: "row", d }];
  });
}

function middleOf(rows: readonly BoxRow[] | undefined, box: Box, name: string): number {
  const at = box.rows ? (rows?.findIndex((row) => row.name === name) ?? -1) : -1;
  return at < 0 ? BOX_HEIGHT / 2 : BOX_HEIGHT + (at + 0.5) * ROW_HEIGHT;
}
