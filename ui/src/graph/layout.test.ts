import { describe, expect, it } from "vitest";

import { fold, type FoldInput } from "./fold";
import { columns, frameId, fromElk, ranks, shapeKey, toElk, withoutFrames } from "./layout";

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

describe("fromElk", () => {
  it("keeps the way of each wire around boxes", () => {
    const root = {
      id: "<root>",
      width: 300,
      height: 100,
      children: [{ id: "a", x: 1, y: 2, width: 3, height: 4 }],
      edges: [
        {
          id: "a→b",
          sources: ["a"],
          targets: ["b"],
          sections: [
            {
              startPoint: { x: 196, y: 26.4 },
              bendPoints: [
                { x: 220, y: 26.4 },
                { x: 220, y: 90 },
              ],
              endPoint: { x: 260, y: 90 },
            },
          ],
        },
      ],
    };
    expect(fromElk(root).routes.get("a→b")).toEqual([196, 26, 220, 26, 220, 90, 260, 90]);
    expect(fromElk(root).places.get("a")).toEqual({ x: 1, y: 2, width: 3, height: 4 });
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

  it("leads each wire from box to box", () => {
    const { places, routes } = columns(drawn, "RIGHT");
    const [a, d] = [places.get("a"), places.get("d")];
    expect(routes.get("a→c")?.slice(0, 2)).toEqual([a?.width, (a?.y ?? 0) + 26]);
    expect(routes.get("c→d")?.slice(-2)).toEqual([d?.x, (d?.y ?? 0) + 26]);
  });

  it("goes down on a phone", () => {
    const { places } = columns(drawn, "DOWN");
    expect(places.get("d")?.y).toBeGreaterThan(places.get("b")?.y ?? Infinity);
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
