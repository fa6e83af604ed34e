import { describe, expect, it } from "vitest";
import type { DayRun, RunState, Tick } from "@/api/types";
import { aroundNow, dateOf, dayRange, isDate, lanesOf, MOST_ROWS, shifted } from "@/day/lanes";

const run = (run_id: string, started_us: number, finished_us: number, state: RunState = "succeeded", pipeline = "p"): DayRun => ({
  pipeline,
  run_id,
  state,
  created_us: started_us,
  started_us,
  finished_us,
});
const bars = (runs: DayRun[], finest = 0) => lanesOf({ runs, ticks: [] }, 1_000, finest)[0]?.bars ?? [];

describe("lanesOf", () => {
  it("puts runs that overlap below each other", () => {
    expect(bars([run("a", 0, 10), run("b", 5, 15), run("c", 10, 20)]).map((bar) => bar.row)).toEqual([0, 1, 0]);
  });

  it("bounds how tall a lane grows", () => {
    const crowd = Array.from({ length: 20 }, (_, at) => run(`r${at}`, at, 100));
    expect(Math.max(...bars(crowd).map((bar) => bar.row))).toBe(MOST_ROWS - 1);
  });

  it("folds what cannot be told apart into one bar with the worst state", () => {
    const [bar, ...rest] = bars([run("a", 0, 1), run("b", 2, 3, "failed"), run("c", 4, 5), run("d", 500, 510)], 10);
    expect(bar).toMatchObject({ state: "failed", fromUs: 0, toUs: 5 });
    expect(bar?.runs).toHaveLength(3);
    expect(rest).toHaveLength(1);
  });

  it("draws a run that goes on up to now", () => {
    expect(bars([run("a", 10, 0, "running")])[0]?.toUs).toBe(1_000);
  });

  it("gives planned ticks the lane of their pipeline", () => {
    const lanes = lanesOf({ runs: [run("a", 0, 1)], ticks: [{ schedule: "q/daily", at_us: 5 } as Tick] }, 0, 0);
    expect(lanes.map((lane) => [lane.pipeline, lane.bars.length, lane.planned.length])).toEqual([
      ["p", 1, 0],
      ["q", 0, 1],
    ]);
  });

  it("folds ticks that stand too close into one with all of them", () => {
    const minute = 60_000_000;
    const ticks = Array.from({ length: 570 }, (_, at) => ({ schedule: "q/often", due_us: (at + 1) * minute, at_us: 0 }) as Tick);
    const later = { schedule: "q/daily", due_us: 900 * minute, at_us: 0 } as Tick;
    const [lane] = lanesOf({ runs: [], ticks: [later, ...ticks] }, 0, 5 * minute);
    expect(lane?.planned.map((each) => [each.ticks.length, each.fromUs / minute, each.toUs / minute])).toEqual([
      [570, 1, 570],
      [1, 900, 900],
    ]);
  });

  it("leaves ticks alone that can be told apart", () => {
    const ticks = [10, 20, 30].map((due_us) => ({ schedule: "q/often", due_us, at_us: 0 }) as Tick);
    expect(lanesOf({ runs: [], ticks }, 0, 5)[0]?.planned).toHaveLength(3);
  });
});

describe("days", () => {
  it("go from midnight to midnight on the viewer's clock", () => {
    const { fromUs, toUs } = dayRange("2026-03-29");
    expect(dateOf(fromUs / 1_000)).toBe("2026-03-29");
    expect(dateOf(toUs / 1_000)).toBe("2026-03-30");
  });

  it("around now, show what was and what will be", () => {
    const nowUs = Date.UTC(2026, 10, 22, 21, 40) * 1_000;
    const { fromUs, toUs } = aroundNow(nowUs);
    expect([fromUs < nowUs, nowUs < toUs, toUs - fromUs]).toEqual([true, true, 86_400_000_000]);
    expect(fromUs % 3_600_000_000).toBe(0);
  });

  it("are counted over the ends of months", () => {
    expect([shifted("2026-03-01", -1), shifted("2026-12-31", 1)]).toEqual(["2026-02-28", "2027-01-01"]);
    expect([isDate("2026-02-28"), isDate("2026-13-01"), isDate(""), isDate(undefined)]).toEqual([true, false, false, false]);
  });
});
