import { describe, expect, it } from "vitest";
import { highlighted } from "@/code/highlight";
import { lineDiff, withGaps } from "@/code/line-diff";

describe("highlighted", () => {
  it("loses no character, and colours Python", () => {
    const text = 'def f(x):\n    # why\n    return "a" + str(1)\n';
    const lines = highlighted(text, "a.py");
    expect(lines.map((line) => line.map((piece) => piece.text).join("")).join("\n")).toBe(text);
    expect(lines[0]?.[0]).toEqual({ text: "def", kind: "keyword" });
    expect(lines[1]?.some((piece) => piece.kind === "comment")).toBe(true);
  });

  it("shows other files plain", () => {
    expect(highlighted("[a]\nb = 1", "toque.toml")).toHaveLength(2);
  });
});

const diff = (before: string, after: string) =>
  lineDiff(before.split(""), after.split("")).map((row) => `${row.kind[0]}${row.left}:${row.right}`);

describe("lineDiff", () => {
  it("pairs what was replaced, and shows what was added and removed alone", () => {
    expect(diff("abc", "axc")).toEqual(["s1:1", "c2:2", "s3:3"]);
    expect(diff("ac", "abc")).toEqual(["s1:1", "a0:2", "s2:3"]);
    expect(diff("abc", "ac")).toEqual(["s1:1", "r2:0", "s3:2"]);
    expect(diff("", "a")).toEqual(["a0:1"]);
  });

  it("keeps every line of both sides, once and in order, whatever they are", () => {
    const words = ["abcabba", "cbabac", "xyz", "aaaa", "", "abcxabcyabc", "yabc"];
    for (const before of words) {
      for (const after of words) {
        const rows = lineDiff(before.split(""), after.split(""));
        expect(rows.filter((row) => row.left).map((row) => row.left)).toEqual(before.split("").map((_, at) => at + 1));
        expect(rows.filter((row) => row.right).map((row) => row.right)).toEqual(after.split("").map((_, at) => at + 1));
        for (const row of rows) if (row.kind === "same") expect(before[row.left - 1]).toBe(after[row.right - 1]);
      }
    }
  });

  it("finds a shortest script", () => {
    const rows = lineDiff("abcabba".split(""), "cbabac".split(""));
    expect(rows.filter((row) => row.kind === "same")).toHaveLength(4);
  });
});

describe("withGaps", () => {
  it("folds what is equal and far from any change", () => {
    const lines = Array.from({ length: 40 }, (_, at) => `line ${at}`);
    const rows = lineDiff(
      lines,
      lines.map((line, at) => (at === 20 ? "new" : line)),
    );
    expect(withGaps(rows).map((row) => (row.kind === "gap" ? row.count : row.kind))).toEqual([
      16,
      ...Array<string>(4).fill("same"),
      "changed",
      ...Array<string>(4).fill("same"),
      15,
    ]);
  });
});
