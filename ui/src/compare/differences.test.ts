import { describe, expect, it } from "vitest";
import { change, longest, ranked, type TaskDifference } from "@/compare/differences";

const task = (name: string, more: Partial<TaskDifference> = {}): TaskDifference => ({
  task: name,
  a_state: "succeeded",
  b_state: "succeeded",
  a_us: 1_000_000,
  b_us: 1_000_000,
  output_changed: false,
  ...more,
});

describe("change", () => {
  it("sees outcomes before outputs before times, and takes noise for nothing", () => {
    expect(change(task("a", { b_state: "failed", output_changed: true }))).toBe("outcome");
    expect(change(task("a", { output_changed: true, b_us: 9e6 }))).toBe("output");
    expect(change(task("a", { b_us: 3_000_000 }))).toBe("time");
    expect(change(task("a", { a_us: 100, b_us: 100_000 }))).toBe("same");
    expect(change(task("a", { output_changed: null }))).toBe("same");
  });
});

describe("ranked", () => {
  it("puts first what a person should look at", () => {
    const rows = [
      task("same"),
      task("slow", { b_us: 5e6 }),
      task("slower", { b_us: 9e6 }),
      task("failed", { b_state: "failed" }),
      task("gone", { b_state: "", b_us: 0 }),
    ];
    expect(ranked(rows).map((row) => row.task)).toEqual(["gone", "failed", "slower", "slow", "same"]);
    expect(longest(rows)).toBe(9e6);
  });
});
