import { describe, expect, it } from "vitest";
import { drawable } from "@/graph/drawable";
import { fold } from "@/graph/fold";
import type { Graph, GraphNode } from "@/run/types";

const node = (id: string, more: Partial<GraphNode> = {}): GraphNode => ({
  id,
  label: id,
  kind: "task",
  group: "",
  scope: "",
  rule: "all_success",
  doc: "",
  retries: 0,
  pools: [],
  origin: null,
  tags: [],
  hook: "",
  teardown_of: "",
  host: "",
  ...more,
});
const graph = (nodes: GraphNode[], edges: [string, string][], groups: Graph["groups"] = []): Graph => ({
  pipeline: "p",
  version: "v",
  nodes,
  edges: edges.map(([source, target]) => ({ source, target, kind: "data", label: "" })),
  groups,
});

describe("drawable", () => {
  it("makes one box of a mapped task, with the edges of both of its nodes", () => {
    const drawn = drawable(
      graph(
        [node("months"), node("join[]", { kind: "map" }), node("join", { scope: "join[]" }), node("report")],
        [
          ["months", "join[]"],
          ["months", "join"],
          ["join[]", "report"],
        ],
      ),
    );
    expect(drawn.nodes.map((each) => [each.id, each.kind])).toEqual([
      ["months", "task"],
      ["join", "map"],
      ["report", "task"],
    ]);
    expect(drawn.covers.get("join")).toEqual(["join", "join[]"]);
    expect(fold(drawn, new Set()).wires.map((wire) => wire.id)).toEqual(["months→join", "join→report"]);
  });

  it("frames a mapped group, and what is mapped inside of it", () => {
    const drawn = drawable(
      graph(
        [
          node("shop[]", { kind: "map" }),
          node("shop.load", { scope: "shop[]" }),
          node("shop.day[]", { scope: "shop[]", kind: "map" }),
          node("shop.day", { scope: "shop.day[]" }),
        ],
        [["shop.load", "shop.day[]"]],
      ),
    );
    expect(drawn.groups).toEqual([{ id: "scope:shop[]", label: "shop × each", parent: null }]);
    expect(drawn.nodes.map((each) => [each.id, each.group])).toEqual([
      ["shop[]", "scope:shop[]"],
      ["shop.load", "scope:shop[]"],
      ["shop.day", "scope:shop[]"],
    ]);
    expect(drawn.nodes.map((each) => each.label)).toEqual(["for each", "load", "day"]);
    expect(drawn.edges.map((edge) => `${edge.source}→${edge.target}`)).toEqual([
      "shop.load→shop.day",
      "shop[]→shop.load",
    ]);
  });

  it("stands a group that lives in a scope inside of its frame", () => {
    const drawn = drawable(
      graph(
        [
          node("flow", { kind: "flow" }),
          node("flow/a", { scope: "flow", kind: "step", group: "g" }),
          node("flow/b", { scope: "flow", kind: "step" }),
        ],
        [],
        [{ id: "g", label: "g", parent: "" }],
      ),
    );
    expect(drawn.groups).toEqual([
      { id: "g", label: "g", parent: "scope:flow" },
      { id: "scope:flow", label: "flow", parent: null },
    ]);
  });

  it("lets what follows a framed map follow its last tasks", () => {
    const drawn = drawable(
      graph(
        [node("m[]", { kind: "map" }), node("m.a", { scope: "m[]" }), node("m.b", { scope: "m[]" }), node("end")],
        [
          ["m.a", "m.b"],
          ["m[]", "end"],
        ],
      ),
    );
    expect(drawn.edges.map((edge) => `${edge.source}→${edge.target}`)).toEqual(["m.a→m.b", "m.b→end", "m[]→m.a"]);
  });

  it("makes a group of the steps of a flow", () => {
    const drawn = drawable(
      graph(
        [node("walk", { kind: "flow" }), node("walk/note", { kind: "step", group: "walk" })],
        [["walk", "walk/note"]],
      ),
    );
    expect(drawn.groups).toEqual([{ id: "walk", label: "steps of walk", parent: null }]);
  });
});
