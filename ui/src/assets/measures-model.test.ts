import { describe, expect, it } from "vitest";
import { drawn, HEIGHT, WIDTH, type Point } from "@/assets/measures-model";

const point = (rows: number | null, low: number | null = null, high: number | null = null): Point => ({
  at_us: 1,
  run_id: "r",
  partition: "",
  rows,
  duration_s: null,
  reviewed: "",
  size_bytes: null,
  low,
  high,
  level: "ok",
  message: "",
});

describe("drawn", () => {
  it("leaves out what has no rows, and spreads the others evenly", () => {
    const found = drawn([point(1), point(null), point(3), point(2)]);
    expect(found.dots.map(({ x }) => Math.round(x))).toEqual([6, WIDTH / 2, WIDTH - 6]);
    expect(found.dots.map(({ y }) => Math.round(y))).toEqual([HEIGHT - 6, 6, HEIGHT / 2]);
    expect([found.low, found.high, found.band]).toEqual([1, 3, ""]);
  });

  it("draws what was expected as an area that does not flatten what was measured", () => {
    const found = drawn([point(10, 5, 1000), point(10, 5, 20)]);
    expect([found.low, found.high]).toEqual([5, 20]);
    expect(found.band).toMatch(/^M.*L.*Z$/);
  });

  it("has room for values that are all the same", () => {
    expect(drawn([point(5), point(5)]).dots.map(({ y }) => y)).toEqual([HEIGHT / 2, HEIGHT / 2]);
  });
});
