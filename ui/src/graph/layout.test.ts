import { describe, expect, it } from "vitest";

import { fold, type FoldInput } from "./fold";
import { columns, frameId, Layouts, ranks, shapeKey, toElk, withoutFrames, type ElkNode } from "./layout";

const input: FoldInput = {
  nodes: ["a", "b", "c", "d"].map((id) => ({ id, label: id, kind: "task", group: id === "b" ? "g" : null })),
  edges: [
    { source: "a", target: "b", kind: "data", label: null },
    { source: "a", target: "c", kind: "data", label: null },
    { source: "b", target: "d", kind: "data", label: null },
    { source: "c", target: "d", kind: "data", label: null },
  ],
  groups: [{ id: "g", label: "g", parent: null }],
};
const drawn = fold(input, new Set());

describe("toElk", () => {
  it("nests boxes in the frames of their groups", () => {
    const root = toElk(drawn, "RIGHT");
    const frame = root.children?.find((child) => child.id === frameId("g"));
    expect(frame?.children?.map((child) => child.id)).toEqual(["b"]);
    expect(root.edges).toHaveLength(4);
  });
});

describe("ranks", () => {
  it("is the longest path from a root", () => {
    expect([...ranks(drawn.boxes, drawn.wires)]).toEqual([
      ["a", 0],
      ["b", 1],
      ["c", 1],
      ["d", 2],
    ]);
  });

  it("ends on a cycle", () => {
    const wires = [...drawn.wires, { id: "d→a", source: "d", target: "a", kind: "data", label: "" }];
    expect(ranks(drawn.boxes, wires).size).toBe(0);
  });
});

describe("columns", () => {
  it("never puts one box onto another", () => {
    const { places } = columns(drawn, "RIGHT");
    const corners = [...places.values()].map((place) => `${place.x},${place.y}`);
    expect(new Set(corners).size).toBe(4);
    expect(places.get("d")?.x).toBeGreaterThan(places.get("b")?.x ?? Infinity);
  });

  it("goes down on a phone", () => {
    const { places } = columns(drawn, "DOWN");
    expect(places.get("d")?.y).toBeGreaterThan(places.get("b")?.y ?? Infinity);
  });
});

describe("Layouts", () => {
  const answer = (root: ElkNode): Promise<ElkNode> =>
    Promise.resolve({ ...root, children: root.children?.map((child, i) => ({ ...child, x: i, y: i })) });

  it("asks once for a shape, whatever happens to its states", async () => {
    let asked = 0;
    const layouts = new Layouts((root) => {
      asked += 1;
      return answer(root);
    });
    await Promise.all([layouts.place(drawn, "RIGHT"), layouts.place(drawn, "RIGHT")]);
    await layouts.place(fold(input, new Set()), "RIGHT");
    expect(asked).toBe(1);
    expect(layouts.peek(drawn, "RIGHT")?.places.get("c")?.x).toBe(2);
    expect(layouts.peek(drawn, "DOWN")).toBeUndefined();
  });

  it("falls back to columns when the worker fails", async () => {
    const layouts = new Layouts(() => Promise.reject(new Error("out of memory")));
    const placed = await layouts.place(drawn, "RIGHT");
    expect(placed.places.size).toBe(4);
  });

  it("keeps a bounded number of shapes", async () => {
    const layouts = new Layouts(answer, 1);
    await layouts.place(drawn, "RIGHT");
    await layouts.place(drawn, "DOWN");
    expect(layouts.peek(drawn, "RIGHT")).toBeUndefined();
  });
});

describe("shapeKey", () => {
  it("changes with the fold and not with the labels", () => {
    const folded = fold(input, new Set(["g"]));
    expect(shapeKey(folded, "RIGHT")).not.toBe(shapeKey(drawn, "RIGHT"));
    const renamed = { ...drawn, boxes: drawn.boxes.map((box) => ({ ...box, label: "x" })) };
    expect(shapeKey(renamed, "RIGHT")).toBe(shapeKey(drawn, "RIGHT"));
    expect(withoutFrames(drawn).frames).toEqual([]);
  });
});
