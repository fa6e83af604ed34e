import { describe, expect, it } from "vitest";

import { commonName, fold, foldedAtFirst, groupBox, type FoldEdge, type FoldInput } from "./fold";

const edge = (source: string, target: string, label: string | null = null, kind = "data"): FoldEdge => ({
  source,
  target,
  kind,
  label,
});

const graph: FoldInput = {
  nodes: [
    { id: "extract", label: "extract", kind: "task", group: null },
    { id: "clean.a", label: "a", kind: "task", group: "clean" },
    { id: "clean.deep.b", label: "b", kind: "task", group: "clean.deep" },
    { id: "report", label: "report", kind: "task", group: null },
  ],
  edges: [
    edge("extract", "clean.a"),
    edge("extract", "clean.deep.b"),
    edge("clean.a", "clean.deep.b"),
    edge("clean.deep.b", "report", "yes", "outcome"),
  ],
  groups: [
    { id: "clean", label: "clean", parent: null },
    { id: "clean.deep", label: "deep", parent: "clean" },
  ],
};

describe("fold", () => {
  it("shows every task and a frame for each open group", () => {
    const drawn = fold(graph, new Set());
    expect(drawn.boxes.map((box) => box.id)).toEqual(["extract", "clean.a", "clean.deep.b", "report"]);
    expect(drawn.frames.map((frame) => [frame.id, frame.size])).toEqual([
      ["clean", 2],
      ["clean.deep", 1],
    ]);
    expect(drawn.wires).toHaveLength(4);
  });

  it("makes one box of a folded group and lifts its edges, each pair once", () => {
    const drawn = fold(graph, new Set(["clean"]));
    expect(drawn.boxes.map((box) => box.id)).toEqual(["extract", groupBox("clean"), "report"]);
    expect(drawn.boxes[1]?.members).toEqual(["clean.a", "clean.deep.b"]);
    expect(drawn.wires.map((wire) => [wire.source, wire.target, wire.label])).toEqual([
      ["extract", "group:clean", ""],
      ["group:clean", "report", "yes"],
    ]);
    expect(drawn.frames).toEqual([]);
  });

  it("folds by the outermost group when both are shut", () => {
    expect(fold(graph, new Set(["clean", "clean.deep"])).boxes).toHaveLength(3);
  });

  it("keeps an inner folded group inside of its open parent", () => {
    const inner = fold(graph, new Set(["clean.deep"])).boxes.find((box) => box.kind === "group");
    expect(inner?.parent).toBe("clean");
  });

  it("bundles tasks with the same neighbours once a graph is large", () => {
    const nodes = [
      { id: "root", label: "root", kind: "task", group: null },
      ...Array.from({ length: 5000 }, (_, i) => ({ id: `load_${i}`, label: `load_${i}`, kind: "task", group: null })),
      { id: "end", label: "end", kind: "join", group: null },
    ];
    const edges = nodes.slice(1, -1).flatMap((node) => [edge("root", node.id), edge(node.id, "end")]);
    const drawn = fold({ nodes, edges, groups: [] }, new Set());
    expect(drawn.boxes.map((box) => box.label)).toEqual(["root", "load × 5,000", "end"]);
    expect(drawn.boxes[1]?.members).toHaveLength(5000);
    expect(drawn.wires).toHaveLength(2);
    expect(drawn.hidden).toBe(0);
  });

  it("shows the surroundings of the focus when there is too much, and counts the rest", () => {
    const nodes = Array.from({ length: 10_000 }, (_, i) => ({
      id: `t${i}`,
      label: `t${i}`,
      kind: "task",
      group: null,
    }));
    const edges = nodes.slice(1).map((node, i) => edge(`t${i}`, node.id));
    const drawn = fold({ nodes, edges, groups: [] }, new Set(), ["t5000"], 101);
    expect(drawn.boxes).toHaveLength(101);
    expect(drawn.hidden).toBe(9_899);
    const places = drawn.boxes.map((box) => Number(box.id.slice(1)));
    expect(Math.min(...places)).toBe(4950);
    expect(Math.max(...places)).toBe(5050);
  });
});

describe("a focus that moves", () => {
  const input: FoldInput = {
    nodes: Array.from({ length: 40 }, (_, n) => ({ id: `t${n}`, label: `t${n}`, kind: "task", group: null })),
    edges: Array.from({ length: 39 }, (_, n) => ({ source: `t${n}`, target: `t${n + 1}`, kind: "data", label: null })),
    groups: [],
  };
  const folded = new Set<string>();

  it("leaves the drawing as it is where all of it has room", () => {
    expect(fold(input, folded, ["t30"])).toBe(fold(input, folded, ["t2"]));
  });

  it("moves the part that is drawn where there is too much", () => {
    const shown = (task: string) => fold(input, folded, [task], 3).boxes.map((box) => box.id);
    expect(shown("t30")).toEqual(["t29", "t30", "t31"]);
    expect(shown("t2")).toEqual(["t1", "t2", "t3"]);
  });
});

describe("foldedAtFirst", () => {
  it("opens a small graph and folds a large one", () => {
    expect(foldedAtFirst(graph).size).toBe(0);
    expect(foldedAtFirst(graph, 3)).toEqual(new Set(["clean", "clean.deep"]));
  });
});

describe("commonName", () => {
  it("is what the names share, without loose ends", () => {
    expect(commonName(["load_1", "load_2"])).toBe("load");
    expect(commonName(["a", "b"])).toBe("a");
  });
});
