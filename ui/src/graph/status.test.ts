import { describe, expect, it } from "vitest";
import { merged } from "@/graph/status";
import type { NodeStatus } from "@/run/types";

const row = (task: string, counts: Record<string, number>, more: Partial<NodeStatus> = {}): NodeStatus => ({
  task,
  counts,
  total: Object.values(counts).reduce((sum, each) => sum + each, 0),
  started_us: 0,
  finished_us: 0,
  size: -1,
  ...more,
});
const isMap = (task: string) => task.endsWith("[]");

describe("merged", () => {
  it("counts the indexes of a mapped task out of its size, also those that have no row yet", () => {
    const status = merged(
      [row("t", { succeeded: 40, running: 2 }), row("t[]", { running: 1 }, { size: 100_000 })],
      isMap,
    );
    expect(status).toMatchObject({ state: "running", total: 100_000, done: 40, counts: { succeeded: 40, running: 2 } });
  });

  it("shows one failure among thousands", () => {
    expect(merged([row("a", { succeeded: 5000 }), row("b", { failed: 1 })], isMap)).toMatchObject({
      state: "failed",
      done: 5001,
    });
  });

  it("spans from the first start to the last end, and is open while one is", () => {
    const ended = row("a", { succeeded: 1 }, { started_us: 5, finished_us: 9 });
    expect(merged([ended, row("b", { succeeded: 1 }, { started_us: 3, finished_us: 7 })], isMap)).toMatchObject({
      started_us: 3,
      finished_us: 9,
    });
    expect(merged([ended, row("b", { running: 1 }, { started_us: 6 })], isMap).finished_us).toBe(0);
  });

  it("knows nothing of what has no row", () => {
    expect(merged([], isMap)).toMatchObject({ state: null, total: 0 });
  });
});
