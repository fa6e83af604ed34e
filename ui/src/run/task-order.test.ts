import { describe, expect, it } from "vitest";

import { graphOrder, inOrder } from "@/run/task-order";
import type { Graph, TaskRun } from "@/run/types";

const row = (task: string, ...index: number[]) => ({ task, index }) as unknown as TaskRun;
const graph = { nodes: ["extract", "load[]", "load", "announce"].map((id) => ({ id })) } as unknown as Graph;

describe("inOrder", () => {
  it("is that of the graph, and by index within a map", () => {
    const rows = [row("announce"), row("extract"), row("load", 0), row("load", 1), row("load", 10), row("load[]")];
    const names = inOrder(rows, graphOrder(graph)).map((each) => each.task + each.index.join("."));
    expect(names).toEqual(["extract", "load[]", "load0", "load1", "load10", "announce"]);
  });

  it("ends with what the graph does not know", () => {
    const rows = [row("gone"), row("announce")];
    expect(inOrder(rows, graphOrder(graph)).map((each) => each.task)).toEqual(["announce", "gone"]);
  });
});
