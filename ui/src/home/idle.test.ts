import { describe, expect, it } from "vitest";
import type { ScheduleSummary } from "@/api/types";
import { idleSchedules } from "@/home/idle";

const holding = (...paused: boolean[]) => [
  { schedules: paused.map((is, at) => ({ id: `p/${at}`, paused: is }) as ScheduleSummary) },
];

describe("idleSchedules", () => {
  it("says that schedules are paused, and names one to resume", () => {
    expect(idleSchedules(holding(true))).toMatchObject({ title: "The only schedule is paused", paused: "p/0" });
    expect(idleSchedules(holding(true, true)).title).toBe("All 2 schedules are paused");
  });

  it("tells paused schedules from those that have no tick soon", () => {
    expect(idleSchedules(holding(false, true))).toMatchObject({
      title: "No schedule fires in the next day: 1 of 2 are paused",
      paused: "p/1",
    });
    expect(idleSchedules(holding(false))).toMatchObject({ title: "No schedule fires in the next day", paused: "" });
  });

  it("knows a project without schedules", () => {
    expect(idleSchedules([{ schedules: [] }]).count).toBe(0);
  });
});
