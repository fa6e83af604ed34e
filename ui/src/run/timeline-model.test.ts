import { describe, expect, it } from "vitest";
import {
  chain,
  extent,
  isBefore,
  markLabel,
  marks,
  ordered,
  own,
  pan,
  place,
  withNodes,
  withoutMaps,
  withTasks,
  zoom,
} from "@/run/timeline-model";
import type { TaskRun, TimelineBar } from "@/run/types";

const bar = (task: string, started_us: number, finished_us: number, more: Partial<TimelineBar> = {}): TimelineBar => ({
  task,
  index: [],
  state: "succeeded",
  ready_us: started_us,
  started_us,
  finished_us,
  critical: false,
  count: 1,
  ...more,
});

describe("extent", () => {
  it("reaches from the first ready task to the end", () => {
    expect(extent([bar("a", 10, 5_000), bar("b", 20, 9_000, { ready_us: 4 })], 99_000, 8, 9_500)).toEqual({
      from: 4,
      to: 9_500,
    });
  });

  it("ends now while the run goes on, and is never empty", () => {
    expect(extent([bar("a", 10, 0)], 50_000, 10, 0)).toEqual({ from: 10, to: 50_000 });
    const none = extent([], 7, 0, 0);
    expect(none.to).toBeGreaterThan(none.from);
  });
});

describe("own", () => {
  const taken = [bar("a", 1_000, 2_000), bar("b", 500_000, 600_000, { ready_us: 490_000 }), bar("w", 0, 0)];
  const whole = { from: 1_000, to: 700_000 };

  it("begins with the run, not with what it took over", () => {
    expect(own(whole, taken, 480_000)).toEqual({ from: 480_000, to: 700_000 });
    expect(own(whole, taken, 495_000).from).toBe(490_000);
    expect(taken.map((each) => isBefore(each, 480_000))).toEqual([true, false, false]);
  });

  it("is the whole of a run that took nothing over, or has not begun", () => {
    expect(own(whole, [bar("a", 2_000, 9_000)], 1_000)).toEqual(whole);
    expect(own(whole, taken, 0)).toEqual(whole);
  });

  it("is never empty", () => {
    const { from, to } = own({ from: 0, to: 5_000 }, [bar("a", 0, 4_900)], 4_999);
    expect(to - from).toBe(1_000);
  });
});

describe("marks", () => {
  it("are round seconds after the start", () => {
    const window = { from: 1_700_000, to: 11_700_000 };
    expect(marks(window, 1_700_000, 6).map((mark) => mark.seconds)).toEqual([0, 2, 4, 6, 8, 10]);
    expect(place(window, 6_700_000)).toBe(0.5);
  });

  it("stay few however long the run", () => {
    expect(marks({ from: 0, to: 9e13 }, 0, 8).length).toBeLessThanOrEqual(10);
  });

  it("count backwards before the run", () => {
    expect([-0.5, -90].map(markLabel)).toEqual(["−500 ms", "−1 min 30 s"]);
  });

  it("read as a person says them", () => {
    expect([0, 0.25, 1.5, 90, 5400, 200_000].map(markLabel)).toEqual([
      "0",
      "250 ms",
      "1.5 s",
      "1 min 30 s",
      "1 h 30 min",
      "2 d",
    ]);
  });
});

describe("zoom and pan", () => {
  const whole = { from: 0, to: 100_000 };
  it("zoom keeps what is under the pointer and stays inside", () => {
    const near = zoom(whole, whole, 0.5, 0.25);
    expect(near).toEqual({ from: 12_500, to: 62_500 });
    expect(zoom(near, whole, 9, 0.5)).toEqual(whole);
  });
  it("pan stops at the ends", () => {
    expect(pan({ from: 0, to: 50_000 }, whole, -1)).toEqual({ from: 0, to: 50_000 });
    expect(pan({ from: 0, to: 50_000 }, whole, 9)).toEqual({ from: 50_000, to: 100_000 });
  });
});

describe("ordered", () => {
  it("is by start, then name, then index; what waits comes last", () => {
    const rows = ordered([
      bar("w", 0, 0),
      bar("m", 5, 6, { index: [10] }),
      bar("m", 5, 6, { index: [2] }),
      bar("a", 5, 9),
    ]);
    expect(rows.map((each) => each.task + each.index.join())).toEqual(["a", "m2", "m10", "w"]);
  });
});

describe("patches", () => {
  it("take the times of a task run and add what is new", () => {
    const task = {
      task: "b",
      index: [],
      state: "running",
      ready_us: 1,
      started_us: 2,
      finished_us: 0,
    } as unknown as TaskRun;
    const bars = withTasks([bar("a", 1, 2)], [task]);
    expect(bars.map((each) => [each.task, each.state])).toEqual([
      ["a", "succeeded"],
      ["b", "running"],
    ]);
  });

  it("take the times of a node for the folded bar of a map only", () => {
    const node = { task: "m", counts: {}, total: 9, started_us: 3, finished_us: 8, size: 9 };
    const bars = withNodes([bar("m", 3, 0, { count: 9 }), bar("m", 4, 5, { index: [1] })], [node]);
    expect(bars.map((each) => each.finished_us)).toEqual([8, 5]);
  });
});

describe("chain", () => {
  it("goes back from the last end over what each had waited for", () => {
    const on = { critical: true };
    const [first, slow, quick, last] = [
      bar("a", 0, 10_000, on),
      bar("m", 11_000, 90_000, { ...on, index: [0], ready_us: 10_100 }),
      bar("m", 11_000, 20_000, { ...on, index: [1], ready_us: 10_100 }),
      bar("z", 91_000, 99_000, { ...on, ready_us: 90_100 }),
    ];
    expect([...chain([first, slow, quick, last, bar("off", 0, 200_000)])]).toEqual([last, slow, first]);
    expect(quick.critical).toBe(true);
  });

  it("ends where nothing came before", () => {
    expect(chain([]).size).toBe(0);
  });
});

describe("withoutMaps", () => {
  it("leaves the map of a mapped group, which has no task of its name", () => {
    expect(withoutMaps([bar("a[]", 1, 2), bar("a", 1, 2), bar("g[]", 1, 2)]).map((each) => each.task)).toEqual([
      "a",
      "g[]",
    ]);
  });
});
