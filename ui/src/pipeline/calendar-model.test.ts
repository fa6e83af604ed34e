import { describe, expect, it } from "vitest";
import { localDate, midnightUs, monthsOf, sinceFirst, outcomeOf, shifted } from "@/pipeline/calendar-model";
import type { CalendarDay } from "@/run/types";

const day = (date: string, counts: Partial<CalendarDay>): CalendarDay => ({
  date,
  succeeded: 0,
  failed: 0,
  cancelled: 0,
  active: 0,
  total: Object.values(counts).reduce<number>((sum, each) => sum + Number(each), 0),
  ...counts,
});

describe("outcomeOf", () => {
  it("never hides a failure", () => {
    expect(outcomeOf(day("d", { succeeded: 23, failed: 1 }))).toBe("mixed");
    expect(outcomeOf(day("d", { failed: 2 }))).toBe("failed");
    expect(outcomeOf(day("d", { succeeded: 1, active: 1 }))).toBe("active");
    expect(outcomeOf(day("d", { cancelled: 1 }))).toBe("cancelled");
    expect(outcomeOf(undefined)).toBe("none");
  });
});

describe("monthsOf", () => {
  it("lays weeks from Monday, with each day once", () => {
    const [november, october] = monthsOf([day("2026-11-22", { succeeded: 1 })], "2026-11", 2, "2026-11-22");
    expect(november?.weeks).toHaveLength(6);
    expect(november?.weeks[0]?.map((cell) => cell?.day ?? null)).toEqual([null, null, null, null, null, null, 1]);
    const cells = november?.weeks.flat().filter((cell) => cell !== null) ?? [];
    expect(cells).toHaveLength(30);
    expect(cells[21]).toMatchObject({ date: "2026-11-22", outcome: "succeeded", future: false });
    expect(cells[22]?.future).toBe(true);
    expect(october?.month).toBe("2026-10");
  });

  it("knows leap years and the turn of the year", () => {
    const [february] = monthsOf([], "2028-02", 1, "2028-01-01");
    expect(february?.weeks.flat().filter(Boolean)).toHaveLength(29);
    expect([shifted("2026-01", -1), shifted("2026-12", 1)]).toEqual(["2025-12", "2027-01"]);
  });
});

describe("dates", () => {
  it("are those of the viewer", () => {
    const noon = new Date(2026, 10, 22, 12);
    expect(localDate(noon)).toBe("2026-11-22");
    expect(localDate(new Date(midnightUs("2026-03-01") / 1000))).toBe("2026-03-01");
  });
});

describe("sinceFirst", () => {
  const of = (...dates: string[]) =>
    sinceFirst(monthsOf(dates.map((date) => ({ date, total: 1, succeeded: 1, failed: 0, cancelled: 0, active: 0 })), "2026-11", 6, "2026-11-22"));

  it("leaves out the months before anything ran, and no gap between", () => {
    expect(of("2026-09-03", "2026-11-02").map(({ month }) => month)).toEqual(["2026-11", "2026-10", "2026-09"]);
  });

  it("keeps the last where nothing ran", () => {
    expect(of().map(({ month }) => month)).toEqual(["2026-11"]);
  });
});
