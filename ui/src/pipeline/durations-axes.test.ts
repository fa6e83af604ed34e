import { describe, expect, it } from "vitest";
import { durationLabel, STEPS_S, timeLabels } from "@/pipeline/durations-axes";

const at = (day: number, hour: number) => Date.UTC(2026, 10, day, hour, 5) * 1_000;

describe("labels of runs", () => {
  it("are times of day where all ran on one day", () => {
    expect(timeLabels([at(3, 6), at(3, 6), at(3, 7), 0], "UTC", "en-GB")).toEqual(["06:05", "", "07:05", ""]);
  });

  it("say each day once", () => {
    expect(timeLabels([at(3, 6), at(3, 7), at(4, 6), at(4, 9), 0], "UTC", "en-GB")).toEqual(["3 Nov", "", "4 Nov", "", ""]);
  });
});

it("a duration at the axis has no half that is nothing", () => {
  expect([0, 0.5, 90, 480, 7200, 86_400, 5400].map(durationLabel)).toEqual(["0", "500 ms", "1 m 30 s", "8 m", "2 h", "1 d", "1 h 30 m"]);
});

it("steps of the axis grow, and are whole minutes and hours above a minute", () => {
  expect([...STEPS_S].sort((a, b) => a - b)).toEqual(STEPS_S);
  expect(STEPS_S.filter((step) => step >= 60).every((step) => step % 60 === 0)).toBe(true);
});
