import { describe, expect, it } from "vitest";
import type { BrokenFile, PipelineSummary } from "@/api/types";
import { chosen, lastEnd, neverLoaded, nextOf, ownersOf, tagsOf } from "@/pipelines/choosing";

const bar = (state: string, finished_us: number) => ({ run_id: state, state, created_us: 1, started_us: 1, finished_us });
const pipeline = (name: string, change: object = {}) =>
  ({ name, doc: "", owner: "", tags: [], file: `${name}.py`, paused: false, broken: false, schedules: [], recent: [], ...change }) as unknown as PipelineSummary;

const ALL = [
  pipeline("flights", { tags: ["daily"], owner: "ann", recent: [bar("failed", 9), bar("running", 0)] }),
  pipeline("hotels", { doc: "Rooms of flights' guests", paused: true, tags: ["daily", "raw"] }),
  pipeline("trains", { broken: true, owner: "bo", recent: [bar("succeeded", 9)] }),
];
const names = (wanted: Parameters<typeof chosen>[1]) => chosen(ALL, wanted).map(({ name }) => name);

describe("chosen", () => {
  it("finds every word anywhere in what describes a pipeline", () => {
    expect(names({ search: "FLIGHTS" })).toEqual(["flights", "hotels"]);
    expect(names({ search: "flights rooms" })).toEqual(["hotels"]);
  });

  it("filters by tag, owner and state, together", () => {
    expect(names({ tag: "daily" })).toEqual(["flights", "hotels"]);
    expect(names({ owner: "bo" })).toEqual(["trains"]);
    expect(names({ show: "paused" })).toEqual(["hotels"]);
    expect(names({ show: "broken" })).toEqual(["trains"]);
    expect(names({ show: "failing" })).toEqual(["flights"]);
    expect(names({ tag: "daily", show: "failing" })).toEqual(["flights"]);
  });
});

describe("files that never loaded", () => {
  const files = ["flights.py", "new/orders.py"].map((file) => ({ file, since_us: 1, problems: [] }) as unknown as BrokenFile);
  const found = (wanted: Parameters<typeof neverLoaded>[2]) => neverLoaded(files, ALL, wanted).map(({ file }) => file);

  it("are those that no pipeline in the list comes from", () => {
    expect(found({})).toEqual(["new/orders.py"]);
    expect(found({ show: "broken", search: "ORDERS" })).toEqual(["new/orders.py"]);
  });

  it("have neither name, tag, owner, schedule nor runs", () => {
    expect([{ search: "rooms" }, { tag: "daily" }, { owner: "ann" }, { show: "paused" }, { show: "failing" }].flatMap(found)).toEqual([]);
  });
});

describe("what a row says", () => {
  it("judges by the last run that ended, not by one that goes on", () => {
    expect(ALL.map(lastEnd)).toEqual(["failed", "", "succeeded"]);
  });

  it("names the soonest tick of those not paused", () => {
    const schedules = [
      { name: "a", next_us: 9, paused: false },
      { name: "b", next_us: 3, paused: true },
      { name: "c", next_us: 5, paused: false },
      { name: "d", next_us: 0, paused: false },
    ];
    expect(nextOf(pipeline("x", { schedules }))?.name).toBe("c");
    expect(nextOf(pipeline("x"))).toBeUndefined();
  });

  it("lists tags and owners once", () => {
    expect(tagsOf(ALL)).toEqual(["daily", "raw"]);
    expect(ownersOf(ALL)).toEqual(["ann", "bo"]);
  });
});
