import { describe, expect, it } from "vitest";

import type { Wire } from "./fold";
import { labels, pathOf, strands, type Route } from "./routes";

const wire = (source: string, target: string, label = ""): Wire => ({
  id: `${source}→${target}`,
  source,
  target,
  kind: "data",
  label,
});
const routes = new Map<string, Route>([
  ["a→b", [0, 0, 20, 0, 20, 50, 100, 50]],
  ["a→c", [0, 5, 100, 5]],
  ["b→c", [0, 9, 100, 9]],
]);

describe("pathOf", () => {
  it("is straight, with rounded corners", () => {
    expect(pathOf([0, 0, 100, 0])).toBe("M0 0L100 0");
    expect(pathOf([0, 0, 20, 0, 20, 50], 5)).toBe("M0 0L15 0Q20 0 20 5L20 50");
  });

  it("rounds no more than half of a short piece", () => {
    expect(pathOf([0, 0, 20, 0, 20, 6, 40, 6], 5)).toBe("M0 0L15 0Q20 0 20 3L20 3Q20 6 25 6L40 6");
  });

  it("is nothing without points", () => {
    expect(pathOf([])).toBe("");
  });
});

describe("strands", () => {
  it("draws the wires of a box as one line, and what matters on top", () => {
    const lines = strands([wire("b", "c"), wire("a", "b"), wire("a", "c")], routes, (each) =>
      each.source === "b" ? "data critical" : "data",
    );
    expect(lines.map((line) => line.key)).toEqual(["data|a", "data critical|b"]);
    expect(lines[0]?.d.match(/M/g)).toHaveLength(2);
  });

  it("leaves out a wire without a way", () => {
    expect(strands([wire("x", "y")], routes, () => "data")).toEqual([]);
  });
});

describe("labels", () => {
  it("stand at the middle of the longest piece", () => {
    expect(labels([wire("a", "b", "rows"), wire("a", "c")], routes)).toEqual([
      { id: "a→b", text: "rows", x: 60, y: 50 },
    ]);
  });
});
