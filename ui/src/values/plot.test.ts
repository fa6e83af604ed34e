import { describe, expect, it } from "vitest";
import { figure, linePath } from "@/values/plot";

describe("linePath", () => {
  it("puts the largest value at the top and the first one at the left", () => {
    expect(
      linePath(
        [
          [0, 0],
          [10, 5],
          [20, 10],
        ],
        100,
        58,
      ),
    ).toBe("M0.0 54.0L50.0 29.0L100.0 4.0");
  });

  it("draws a constant in the middle instead of dividing by nothing", () => {
    expect(linePath([[3, 7]], 100, 58)).toBe("M50.0 29.0");
  });
});

describe("figure", () => {
  it("keeps what matters of a number", () => {
    expect([figure(336776), figure(0.123456789), figure(1.5e-9)]).toEqual([
      (336776).toLocaleString(),
      "0.123457",
      "1.500e-9",
    ]);
  });
});
