import Elk, { type ElkNode as Root } from "elkjs/lib/elk.bundled.js";
import { describe, expect, it } from "vitest";

import { fold, type FoldInput } from "./fold";
import { frameId, fromElk, toElk, type Direction, type ElkNode, type Placed } from "./layout";

const ids = Array.from({ length: 80 }, (_, at) => `n${at}`);

/** Eighty tasks, each after one in its neighbourhood and, at times, after one from long ago; ten of them in a group. */
const input: FoldInput = {
  nodes: ids.map((id, at) => ({ id, label: id, kind: "task", group: at >= 30 && at < 40 ? "g" : null })),
  edges: ids.flatMap((target, at) =>
    [at - 7 - (at % 3), at % 4 === 0 ? Math.floor(at / 5) : -1]
      .filter((from) => from >= 0 && from < at)
      .map((from) => ({ source: `n${from}`, target, kind: "data", label: null })),
  ),
  groups: [{ id: "g", label: "g", parent: null }],
};
const drawn = fold(input, new Set());

function corner(placed: Placed, id: string, parent: string | null) {
  const own = placed.places.get(id) ?? { x: NaN, y: NaN, width: 0, height: 0 };
  const frame = (parent && placed.places.get(frameId(parent))) || { x: 0, y: 0 };
  return { left: own.x + frame.x, top: own.y + frame.y, right: own.x + frame.x + own.width, bottom: own.y + frame.y + own.height };
}

describe.each<Direction>(["RIGHT", "DOWN"])("ways of wires, %s", (direction) => {
  it("touch no box but their own, which they reach", { timeout: 60_000 }, async () => {
    const placed = fromElk((await new Elk().layout(toElk(drawn, direction) as Root)) as ElkNode);
    const boxes = drawn.boxes.map((box) => ({ id: box.id, ...corner(placed, box.id, box.parent) }));
    const touched: string[] = [];
    for (const wire of drawn.wires) {
      const route = placed.routes.get(wire.id) ?? [];
      expect(route.length).toBeGreaterThanOrEqual(4);
      const met = new Set<string>();
      for (let at = 0; at + 3 < route.length; at += 2) {
        const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = route.slice(at, at + 4);
        for (const box of boxes) {
          // Coordinates are rounded: what lies a pixel off a box touches it.
          const across = Math.max(x1, x2) >= box.left - 1 && Math.min(x1, x2) <= box.right + 1;
          const down = Math.max(y1, y2) >= box.top - 1 && Math.min(y1, y2) <= box.bottom + 1;
          if (across && down) met.add(box.id);
        }
      }
      const others = [...met].filter((id) => id !== wire.source && id !== wire.target);
      if (others.length || met.size !== 2) touched.push(`${wire.id}: ${[...met].join(" ")}`);
    }
    expect(touched).toEqual([]);
  });
});
