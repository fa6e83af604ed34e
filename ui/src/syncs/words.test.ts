import { describe, expect, it } from "vitest";
import type { Foreseen } from "@/syncs/queries";
import { csvOf, effectOf, predictedOf, searched } from "@/syncs/words";

const none = { sent: 0, created: 0, updated: 0, deleted: 0, rejected: 0, invalid: 0 };

describe("effectOf", () => {
  it("names what happened and leaves out what did not", () => {
    expect(effectOf(none)).toBe("nothing to send");
    expect(effectOf({ ...none, sent: 100, updated: 88, deleted: 10, rejected: 2 })).toBe("100 sent: 88 updated, 10 deleted, 2 rejected");
    expect(effectOf({ ...none, invalid: 3 })).toBe("0 sent: 3 invalid");
  });
});

describe("predictedOf", () => {
  const foreseen = { operations: {}, creates: null, invalid: 0, unchanged: 5 } as unknown as Foreseen;
  it("says what a sync would do", () => {
    expect(predictedOf(foreseen)).toBe("It would send nothing: all 5 rows are acknowledged.");
    expect(predictedOf({ ...foreseen, operations: { upsert: 3, delete: 1, update: 0 }, creates: 2, invalid: 1 })).toBe(
      "It would upsert 3 records, 2 of them new; delete 1 record; 1 record would not be sent, since the destination would reject it.",
    );
  });
});

describe("searched", () => {
  const records = {
    columns: ["status", "key", "reason"],
    rows: [
      ["accepted", "1", null],
      ["rejected", "2", "no such Contact"],
    ],
  };
  it("finds by status and by words, whatever their case", () => {
    expect(searched(records, "", "")).toHaveLength(2);
    expect(searched(records, "rejected", "")).toEqual([records.rows[1]]);
    expect(searched(records, "", "contact such")).toEqual([records.rows[1]]);
    expect(searched(records, "accepted", "contact")).toEqual([]);
  });
});

describe("csvOf", () => {
  it("quotes what must be, and lets no cell be a formula", () => {
    expect(csvOf(["a", "b"], [["x,y", '"q"'], ["=1+1", null], [{ n: 1 }, 2]])).toBe('a,b\r\n"x,y","""q"""\r\n\'=1+1,\r\n"{""n"":1}",2');
  });
});
