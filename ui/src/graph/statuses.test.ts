import { describe, expect, it } from "vitest";
import { drawable } from "@/graph/drawable";
import { fold } from "@/graph/fold";
import { Statuses } from "@/graph/statuses";
import type { Graph, GraphNode, NodeStatus } from "@/run/types";

const node = (id: string, group = ""): GraphNode => ({
  id,
  label: id,
  kind: "task",
  group,
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
});
const row = (task: string, state: string): NodeStatus => ({
  task,
  counts: { [state]: 1 },
  total: 1,
  started_us: 1,
  finished_us: 2,
  size: -1,
});
const graph: Graph = {
  pipeline: "p",
  version: "v",
  nodes: [node("a"), node("b"), node("g.c", "g"), node("g.d", "g")],
  edges: [],
  groups: [{ id: "g", label: "g", parent: "" }],
} as unknown as Graph;
const drawn = drawable(graph);
const shut = fold(drawn, new Set(["g"]));
const told = ["a", "g.c", "g.d"].map((task) => row(task, "running"));
const states = (found: ReadonlyMap<string, { state: string | null }>) =>
  Object.fromEntries([...found].map(([box, status]) => [box, status.state]));

describe("Statuses", () => {
  it("knows the boxes that have a row, folded groups as a whole", () => {
    expect(states(new Statuses().of(shut, drawn, told))).toEqual({ a: "running", "group:g": "running" });
  });

  it("changes only what a patch concerns", () => {
    const statuses = new Statuses();
    const before = statuses.of(shut, drawn, told);
    const after = statuses.of(shut, drawn, [...told.slice(0, 2), row("g.d", "failed"), row("b", "succeeded")]);
    expect(states(after)).toEqual({ a: "running", "group:g": "failed", b: "succeeded" });
    expect(after.get("a")).toBe(before.get("a"));
  });

  it("is the same value when nothing changed, or what did is not drawn", () => {
    const statuses = new Statuses();
    const before = statuses.of(shut, drawn, told);
    expect(statuses.of(shut, drawn, told)).toBe(before);
    expect(statuses.of(shut, drawn, [...told])).toBe(before);
    expect(statuses.of(shut, drawn, [...told, row("elsewhere", "running")])).toBe(before);
  });

  it("follows a drawing that opens, without a new value for what it had", () => {
    const statuses = new Statuses();
    const before = statuses.of(shut, drawn, told);
    const opened = statuses.of(fold(drawn, new Set()), drawn, told);
    expect(states(opened)).toEqual({ a: "running", "g.c": "running", "g.d": "running" });
    expect(opened.get("a")).toBe(before.get("a"));
  });

  it("forgets rows that are no longer there", () => {
    const statuses = new Statuses();
    statuses.of(shut, drawn, told);
    expect(states(statuses.of(shut, drawn, told.slice(0, 1)))).toEqual({ a: "running" });
    expect(states(statuses.of(shut, drawn, [row("b", "failed")]))).toEqual({ b: "failed" });
  });
});
