import { describe, expect, it } from "vitest";

import { fold, type FoldInput } from "./fold";
import { BOX_HEIGHT, columns, heightOf, ROW_HEIGHT, shapeKey, toElk } from "./layout";
import { NO_ROWS, rowStrands, unfolded, type BoxRow } from "./rows";

const input: FoldInput = {
  nodes: ["a", "b", "c"].map((id) => ({ id, label: id, kind: "task", group: id === "c" ? "g" : null })),
  edges: [
    { source: "a", target: "b", kind: "data", label: null },
    { source: "b", target: "c", kind: "data", label: null },
  ],
  groups: [{ id: "g", label: "g", parent: null }],
};
const row = (name: string): BoxRow => ({ name, words: "", lit: false, unknown: false });
const rows = new Map([
  ["a", [row("x"), row("y")]],
  ["b", [row("z")]],
]);
const shape = unfolded(fold(input, new Set(["g"])), rows);

describe("boxes with rows", () => {
  it("are taller, for the engine and for the draft, and another shape than without", () => {
    const heights = Object.fromEntries(shape.boxes.map((box) => [box.id, heightOf(box)]));
    expect(heights["a"]).toBe(BOX_HEIGHT + 2 * ROW_HEIGHT + 6);
    expect(heights["group:g"]).toBe(BOX_HEIGHT);
    expect(toElk(shape, "RIGHT").children?.map((child) => child.height)).toEqual(Object.values(heights));
    expect([...columns(shape, "RIGHT").places.values()].map((place) => place.height)).toEqual(Object.values(heights));
    const bare = fold(input, new Set(["g"]));
    expect(shapeKey(shape, "RIGHT")).not.toBe(shapeKey(bare, "RIGHT"));
    expect(unfolded(bare, NO_ROWS)).toBe(bare);
  });

  it("do not overlap in a draft, whichever way it goes", () => {
    const wide: FoldInput = { ...input, nodes: input.nodes.map((node) => ({ ...node, group: null })), edges: [], groups: [] };
    for (const direction of ["RIGHT", "DOWN"] as const) {
      const placed = columns(unfolded(fold(wide, new Set()), rows), direction);
      const boxes = [...placed.places.values()];
      for (const [at, one] of boxes.entries()) {
        for (const other of boxes.slice(at + 1)) {
          const apart =
            one.x + one.width <= other.x ||
            other.x + other.width <= one.x ||
            one.y + one.height <= other.y ||
            other.y + other.height <= one.y;
          expect(apart).toBe(true);
        }
      }
    }
  });
});

describe("lines between rows", () => {
  const placed = columns(shape, "RIGHT");
  const at = (id: string) => placed.places.get(id) ?? { x: NaN, y: NaN, width: NaN };

  it("go from the middle of one row to the middle of another", () => {
    const [line] = rowStrands(shape, placed, rows, [{ source: "a", sourceRow: "y", target: "b", targetRow: "z" }]);
    expect(line?.look).toBe("row");
    expect(line?.d.startsWith(`M${at("a").x + at("a").width} ${at("a").y + BOX_HEIGHT + 1.5 * ROW_HEIGHT}C`)).toBe(true);
    expect(line?.d.endsWith(` ${at("b").x} ${at("b").y + BOX_HEIGHT + 0.5 * ROW_HEIGHT}`)).toBe(true);
  });

  it("end at the middle of a box that shows no rows", () => {
    const [line] = rowStrands(shape, placed, rows, [{ source: "b", sourceRow: "z", target: "c", targetRow: "w" }]);
    expect(line?.d.endsWith(` ${at("group:g").x} ${at("group:g").y + BOX_HEIGHT / 2}`)).toBe(true);
  });

  it("are none within a box, and none to what is not drawn", () => {
    const links = [
      { source: "a", sourceRow: "x", target: "a", targetRow: "y" },
      { source: "a", sourceRow: "x", target: "nowhere", targetRow: "y" },
    ];
    expect(rowStrands(shape, placed, rows, links)).toEqual([]);
  });
});
