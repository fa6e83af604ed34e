import { describe, expect, it } from "vitest";
import { filtersOf, instantUs, statesOf, toggled } from "@/runs/filters";

const NOW = Date.UTC(2026, 10, 22, 21, 0, 30);
const MINUTE_US = Date.UTC(2026, 10, 22, 21, 0, 0) * 1_000;

describe("filters of runs", () => {
  it("read states in the order of their life, and drop unknown ones", () => {
    expect(statesOf("failed,queued,nonsense")).toEqual(["queued", "failed"]);
    expect(statesOf(undefined)).toEqual([]);
  });

  it("toggle", () => {
    expect(toggled(["a"], "b")).toEqual(["a", "b"]);
    expect(toggled(["a", "b"], "a")).toEqual(["b"]);
  });

  it("count spans back from the full minute, and take instants as they are", () => {
    expect(instantUs("1h", NOW)).toBe(MINUTE_US - 3_600_000_000);
    expect(instantUs("7d", NOW)).toBe(MINUTE_US - 7 * 86_400_000_000);
    expect(instantUs("2026-11-01T00:00:00Z", NOW)).toBe(Date.UTC(2026, 10, 1) * 1_000);
    expect(instantUs("soon", NOW)).toBeUndefined();
    expect(instantUs("", NOW)).toBeUndefined();
  });

  it("become the parameters of the API", () => {
    expect(filtersOf({ pipeline: "p", state: "failed", from: "1h" }, NOW)).toEqual({
      pipeline: "p",
      state: ["failed"],
      trigger: undefined,
      search: undefined,
      from_us: MINUTE_US - 3_600_000_000,
      to_us: undefined,
    });
  });
});
