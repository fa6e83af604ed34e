import { describe, expect, it } from "vitest";
import type { PipelineSummary } from "@/api/types";
import { soonest } from "@/home/soonest";

const MINUTE = 60_000_000;
const tick = (schedule: string, at_us: number) => ({ schedule, at_us, due_us: 0 });
const pipeline = (paused: boolean, ...schedules: { id: string; next_us: number; paused?: boolean }[]) => ({
  paused,
  schedules: schedules.map((each) => ({ paused: false, ...each })) as unknown as PipelineSummary["schedules"],
});

describe("soonest", () => {
  it("names a schedule of every minute once, and leaves room for the others", () => {
    const ticks = [1, 2, 3].map((at) => tick("orders/minute", at * MINUTE));
    const found = soonest(ticks, [pipeline(false, { id: "orders/minute", next_us: MINUTE }, { id: "daily/dawn", next_us: 90 * MINUTE })], 0);
    expect(found).toEqual([
      { schedule: "orders/minute", at_us: MINUTE },
      { schedule: "daily/dawn", at_us: 90 * MINUTE },
    ]);
  });

  it("leaves out what is paused, over, or beyond a day", () => {
    const pipelines = [
      pipeline(true, { id: "a/x", next_us: 5 * MINUTE }),
      pipeline(false, { id: "b/x", next_us: 5 * MINUTE, paused: true }, { id: "b/y", next_us: MINUTE }, { id: "b/z", next_us: 1501 * MINUTE }),
    ];
    expect(soonest([], pipelines, 2 * MINUTE)).toEqual([]);
  });

  it("takes a late tick when it falls due", () => {
    expect(soonest([{ schedule: "a/x", at_us: MINUTE, due_us: 3 * MINUTE }], [], 0)).toEqual([{ schedule: "a/x", at_us: 3 * MINUTE }]);
  });
});
