import { describe, expect, it } from "vitest";
import {
  cellAt,
  cellOf,
  changesVersion,
  joined,
  foldedAtFirst,
  rowsOf,
  STATE_OF,
  versionLabels,
  visible,
  withNodes,
  worst,
  WORST_FIRST,
} from "@/pipeline/grid-model";
import { TASK_STATES } from "@/api/types";
import type { Grid, GridRun, GridTask } from "@/run/types";

const task = (id: string, group = "", depth = 0): GridTask => ({ id, label: id, group, depth, kind: "task" });
const run = (run_id: string, created_us: number, cells: string, version = "v1"): GridRun => ({
  run_id,
  created_us,
  cells,
  version,
  state: "succeeded",
  started_us: created_us,
  finished_us: created_us + 1,
  trigger: "manual",
  logical_us: 0,
});
const tasks = [task("extract"), task("clean.a", "clean"), task("clean.b", "clean"), task("deep", "clean.x")];

describe("cells", () => {
  it("have a letter for every state that a task run can be in", () => {
    expect(Object.values(STATE_OF).sort()).toEqual([...TASK_STATES].sort());
    expect([...WORST_FIRST].sort()).toEqual([...Object.keys(STATE_OF), "."].sort());
  });

  it("show the worst of what they stand for", () => {
    expect(worst("ssks")).toBe("s");
    expect(worst("sRwf")).toBe("f");
    expect(worst("")).toBe(".");
    expect(cellOf({ succeeded: 99_999, retrying: 1, failed: 0 })).toBe("t");
  });
});

describe("rows", () => {
  it("put each group above its tasks", () => {
    expect(rowsOf(tasks, new Set()).map((row) => [row.id, row.depth])).toEqual([
      ["extract", 0],
      ["clean", 0],
      ["clean.a", 1],
      ["clean.b", 1],
      ["clean.x", 1],
      ["deep", 2],
    ]);
  });

  it("fold a group with everything inside, and show its worst cell", () => {
    const rows = rowsOf(tasks, new Set(["clean"]));
    expect(rows.map((row) => row.id)).toEqual(["extract", "clean"]);
    const [, group] = rows;
    expect(group && cellAt(run("r", 1, "sskf"), group)).toBe("f");
  });

  it("are only those that match a search, groups or not", () => {
    expect(rowsOf(tasks, new Set(["clean"]), "B").map((row) => row.id)).toEqual(["clean.b"]);
  });

  it("start folded when there are many", () => {
    expect(foldedAtFirst(tasks).size).toBe(0);
    expect(foldedAtFirst(tasks, 2)).toEqual(new Set(["clean", "clean.x"]));
  });
});

describe("windows", () => {
  it("hold what is visible and a little more, whatever exists", () => {
    expect(visible(0, 300, 20, 1_000_000)).toEqual([0, 17]);
    expect(visible(10_000, 300, 20, 1_000_000)).toEqual([498, 517]);
    expect(visible(0, 300, 20, 3)).toEqual([0, 3]);
  });

  it("hold nothing before the room is measured: 10,000 rows were drawn once by the end of a slice that was negative", () => {
    expect(visible(0, -90, 24, 10_000)).toEqual([0, 0]);
  });
});

const page: Grid = { tasks, runs: [run("r3", 3, "ssss", "v2"), run("r2", 2, "ssss")], next: "r2" };

describe("columns", () => {
  it("are oldest first, each run once, with the change of version marked", () => {
    const { columns } = joined([page, { tasks, runs: [run("r2", 2, "ssss"), run("r1", 1, "ssss")], next: null }]);
    expect(columns.map((each) => each.run_id)).toEqual(["r1", "r2", "r3"]);
    expect(columns.map((_, at) => changesVersion(columns, at))).toEqual([false, false, true]);
  });

  it("keep their cells below their tasks when an older version had others", () => {
    const old: Grid = { tasks: [task("gone"), task("extract")], runs: [run("r1", 1, "fs")], next: null };
    const all = joined([page, old]);
    expect(all.tasks.map((each) => each.id)).toEqual(["extract", "clean.a", "clean.b", "deep", "gone"]);
    expect(all.columns[0]?.cells).toBe("s...f");
  });

  it("take patches of nodes", () => {
    const node = {
      task: "clean.b",
      counts: { running: 1, succeeded: 4 },
      total: 5,
      started_us: 0,
      finished_us: 0,
      size: 5,
    };
    expect(withNodes(page, "r3", [node]).runs.map((each) => each.cells)).toEqual(["ssRs", "ssss"]);
  });

  it("are behind until all of their nodes were told", () => {
    const behind = { ...page, runs: page.runs.map((each) => ({ ...each, isBehind: true })) };
    expect(withNodes(behind, "r3", []).runs.map((each) => each.isBehind)).toEqual([true, true]);
    expect(withNodes(behind, "r3", [], true).runs.map((each) => each.isBehind)).toEqual([false, true]);
  });
});

describe("versionLabels", () => {
  const columnsOf = (...versions: string[]) => versions.map((version) => ({ version }) as GridRun);
  const of = (...versions: string[]) => versionLabels(columnsOf(...versions), versions.length);

  it("names what differs: the graph, or the bundle alone", () => {
    expect(of("aaaaaaa.1111111", "bbbbbbb.1111111", "bbbbbbb.1111111", "bbbbbbb.1111111", "bbbbbbb.2222222")).toEqual([
      { column: 1, text: "bbbbb" },
      { column: 4, text: ".2222" },
    ]);
  });

  it("never writes one label over another", () => {
    const columns = of("a.1", "a.2", "a.3", "a.4", "a.4", "a.4", "a.5").map(({ column }) => column);
    expect(columns).toEqual([3, 6]);
  });
});
