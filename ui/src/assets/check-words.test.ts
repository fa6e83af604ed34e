import { describe, expect, it } from "vitest";
import { measuredBy, shareOf, tableOf, toneOfCheck, verdictOf } from "@/assets/check-words";

describe("shareOf", () => {
  it("says how many of how many", () => {
    expect(shareOf({ failed_rows: 2, total_rows: 8 })).toBe("2 of 8 rows (25 %)");
    expect(shareOf({ failed_rows: 1, total_rows: 30 })).toBe("1 of 30 rows (3.3 %)");
    expect(shareOf({ failed_rows: 1, total_rows: 100_000 })).toBe("1 of 100,000 rows (< 0.1 %)");
    expect(shareOf({ failed_rows: 3, total_rows: null })).toBe("3 rows");
    expect(shareOf({ failed_rows: 0, total_rows: 8 })).toBe("");
  });
});

describe("tableOf", () => {
  it("takes rows of any shape", () => {
    expect(tableOf([{ id: 1, mail: null }, { id: 2, tags: ["a"] }, 7])).toEqual({
      columns: ["id", "mail", "tags", "value"],
      rows: [
        ["1", "null", "", ""],
        ["2", "", '["a"]', ""],
        ["", "", "", "7"],
      ],
    });
  });
});

describe("toneOfCheck", () => {
  it("tells a warning from a failure", () => {
    expect(toneOfCheck({ passed: true, severity: "block", reviewed: "" }).tone).toBe("succeeded");
    expect(toneOfCheck({ passed: false, severity: "quarantine", reviewed: "" }).state).toBe("failed");
    expect(toneOfCheck({ passed: false, severity: "warn", reviewed: "anomaly" }).state).toBe("retrying");
    expect(toneOfCheck({ passed: false, severity: "block", reviewed: "normal" }).state).toBe("succeeded");
  });
});

describe("verdictOf", () => {
  it("says what somebody said of it", () => {
    expect(verdictOf({ passed: true, severity: "warn", reviewed: "" })).toBe("holds");
    expect(verdictOf({ passed: false, severity: "warn", reviewed: "anomaly" })).toBe("fails, and warns");
    expect(verdictOf({ passed: false, severity: "block", reviewed: "normal" })).toBe("called normal");
  });
});

describe("measuredBy", () => {
  it("knows the checks that compare with the past", () => {
    expect(["as_usual(rows)", "as_usual(duration)", "row_count", "as_usual(x)"].map(measuredBy)).toEqual(["rows", "duration", "", ""]);
  });
});
