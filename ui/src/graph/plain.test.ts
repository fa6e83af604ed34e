import { describe, expect, it } from "vitest";

import { fold, type FoldInput } from "./fold";
import { plain } from "./plain";

function shape(edges: readonly string[], groups: Record<string, string> = {}) {
  const pairs = edges.map((edge) => edge.split(" > ") as [string, string]);
  const input: FoldInput = {
    nodes: [...new Set(pairs.flat())].map((id) => ({ id, label: id, kind: "task", group: groups[id] ?? null })),
    edges: pairs.map(([source, target]) => ({ source, target, kind: "data", label: null })),
    groups: [...new Set(Object.values(groups))].map((id) => ({ id, label: id, parent: null })),
  };
  return fold(input, new Set());
}

const middles = (placed: ReturnType<typeof plain>, ...ids: string[]) => ids.map((id) => placed?.places.get(id)?.y);

describe("a plain shape", () => {
  it("is a chain, in one line", () => {
    const placed = plain(shape(["a > b", "b > c"]), "RIGHT");
    expect(new Set(middles(placed, "a", "b", "c")).size).toBe(1);
    expect(placed?.routes.get("a→b")).toBeDefined();
  });

  it("is a tree, its root beside the middle of the others", () => {
    const placed = plain(shape(["a > b", "a > c", "b > d", "b > e", "c > f", "c > g"]), "RIGHT");
    const [a = 0, b = 0, c = 0] = middles(placed, "a", "b", "c");
    expect(a).toBe((b + c) / 2);
  });

  it("is a root and what gathers all of it", () => {
    expect(plain(shape(["a > b", "a > c", "a > d", "b > e", "c > e", "d > e"]), "DOWN")).toBeDefined();
  });

  it("has no group, no second root, no long wire and none that crosses another", () => {
    expect(plain(shape(["a > b"], { b: "g" }), "RIGHT")).toBeUndefined();
    expect(plain(shape(["a > c", "b > c"]), "RIGHT")).toBeUndefined();
    expect(plain(shape(["a > b", "b > c", "a > c"]), "RIGHT")).toBeUndefined();
    expect(plain(shape(["r > a", "r > b", "a > c", "a > d", "b > c", "b > d"]), "RIGHT")).toBeUndefined();
  });

  it("is not tall", () => {
    const fan = (count: number) => shape(Array.from({ length: count }, (_, at) => `a > b${at}`));
    expect(plain(fan(12), "RIGHT")).toBeDefined();
    expect(plain(fan(13), "RIGHT")).toBeUndefined();
  });
});
