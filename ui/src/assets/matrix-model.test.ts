import { describe, expect, it } from "vitest";
import { at, command, counted, geometry, isChosen, moved, rangeText } from "@/assets/matrix-model";

describe("geometry", () => {
  it("wraps one dimension into the room there is", () => {
    expect(geometry(100, 150, 0)).toEqual({ columns: 10, rows: 10, pitch: 15, count: 100 });
    expect(geometry(3, 150, 0)).toMatchObject({ columns: 3, rows: 1 });
    expect(geometry(5, 0, 0)).toMatchObject({ columns: 1, rows: 5 });
  });

  it("gives two dimensions a row for each key of the first", () => {
    expect(geometry(12, 30, 4)).toMatchObject({ columns: 4, rows: 3 });
  });

  it("stays small enough to be drawn with 100,000 slices", () => {
    const { rows, pitch } = geometry(100_000, 360, 0);
    expect(rows * pitch).toBeLessThan(32_000);
  });
});

describe("at", () => {
  const shape = geometry(12, 75, 0);

  it("finds the slice under a point", () => {
    expect(at(shape, 0, 0)).toBe(0);
    expect(at(shape, 74, 14)).toBe(4);
    expect(at(shape, 16, 31)).toBe(11);
  });

  it("is -1 where there is none", () => {
    expect([at(shape, 76, 0), at(shape, -1, 0), at(shape, 0, -1), at(shape, 74, 31), at(shape, 0, 99)]).toEqual([-1, -1, -1, -1, -1]);
  });
});

describe("moved", () => {
  const shape = geometry(12, 75, 0);

  it("follows the arrows and stays inside", () => {
    expect(moved(shape, 0, "ArrowRight")).toBe(1);
    expect(moved(shape, 1, "ArrowDown")).toBe(6);
    expect(moved(shape, 6, "ArrowUp")).toBe(1);
    expect(moved(shape, 0, "ArrowLeft")).toBe(0);
    expect(moved(shape, 9, "ArrowDown")).toBe(9);
    expect([moved(shape, 5, "Home"), moved(shape, 5, "End")]).toEqual([0, 11]);
  });

  it("leaves other keys alone", () => {
    expect(moved(shape, 5, "Tab")).toBeNull();
  });
});

describe("counted", () => {
  it("counts each state", () => {
    expect(counted("..msf.m")).toEqual({ ".": 3, m: 2, s: 1, f: 1 });
  });
});

describe("command", () => {
  it("is what the command line takes", () => {
    expect(command("marts.worst", { isCut: false })).toBe("toque materialize marts.worst");
    expect(command("delays", { isCut: true })).toBe("toque materialize delays --missing");
    expect(command("delays", { isCut: true, from: "2013-01" })).toBe("toque materialize delays --partitions 2013-01");
    expect(command("delays", { isCut: true, from: "2013-01", until: "2013-03" })).toBe("toque materialize delays --partitions 2013-01..2013-03");
  });

  it("quotes what a shell would read", () => {
    expect(command("s", { isCut: true, from: "2013-01|eu" })).toBe("toque materialize s --partitions '2013-01|eu'");
    expect(command("s", { isCut: true, from: "it's" })).toBe("toque materialize s --partitions 'it'\\''s'");
  });
});

describe("isChosen", () => {
  const chosen = (from: number, until: number, across: number) =>
    Array.from({ length: 12 }, (_, index) => index).filter((index) => isChosen(index, from, until, across));

  it("takes all from one to the other, whichever comes first", () => {
    expect(chosen(2, 4, 0)).toEqual([2, 3, 4]);
    expect(chosen(4, 2, 0)).toEqual([2, 3, 4]);
    expect(chosen(-1, -1, 0)).toEqual([]);
  });

  it("takes the rectangle in two dimensions", () => {
    expect(chosen(1, 6, 4)).toEqual([1, 2, 5, 6]);
    expect(chosen(6, 1, 4)).toEqual([1, 2, 5, 6]);
  });
});

describe("rangeText", () => {
  it("is a key, a range, or a range of both dimensions", () => {
    expect(rangeText("2013-01", "")).toBe("2013-01");
    expect(rangeText("2013-01", "2013-03")).toBe("2013-01..2013-03");
    expect(rangeText("2013-01|eu", "2013-03|us")).toBe("2013-01..2013-03|eu..us");
    expect(rangeText("2013-01|eu", "2013-01|us")).toBe("2013-01|eu..us");
  });
});
