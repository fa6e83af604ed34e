import { describe, expect, it } from "vitest";
import { cut, levelOf, LogLines } from "@/run/log-lines";
import type { LogLine } from "@/run/types";

const line = (n: number, text = `line ${n}`, level = "info"): LogLine => ({
  n,
  at_us: n,
  level,
  stream: "log",
  text,
  logger: "",
  fields: {},
});

describe("LogLines", () => {
  it("keeps each line once, in order, however pages and the stream overlap", () => {
    const lines = new LogLines();
    expect(lines.add([line(1), line(2), line(5)])).toBe(true);
    expect(lines.add([line(2), line(5)])).toBe(false);
    lines.add([line(4), line(3), line(6)]);
    expect(Array.from({ length: lines.length }, (_, at) => lines.at(at)?.line.n)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(lines.lastNumber).toBe(6);
  });

  it("filters by least level and by what is searched, also what comes later", () => {
    const lines = new LogLines();
    lines.add([line(1, "a"), line(2, "B boom", "ERROR"), line(3, "boom", "debug")]);
    lines.use({ level: "info", search: "BOOM", only: true });
    lines.add([line(4, "\u001b[31mbo\u001b[0mom", "critical"), line(5, "quiet", "error")]);
    expect([lines.at(0)?.line.n, lines.at(1)?.line.n, lines.length]).toEqual([2, 4, 2]);
    expect(lines.byLevel).toEqual({ debug: 1, info: 1, warning: 0, error: 3 });
  });

  it("marks matches among all lines and walks around them", () => {
    const lines = new LogLines();
    lines.add([line(1, "x"), line(2, "hit"), line(3, "x"), line(4, "hit")]);
    lines.use({ level: "debug", search: "hit", only: false });
    expect(lines.matches).toEqual([1, 3]);
    expect(lines.next(1, 1)).toBe(3);
    expect(lines.next(3, 1)).toBe(1);
    expect(lines.next(1, -1)).toBe(3);
    lines.use({ level: "debug", search: "none", only: false });
    expect(lines.next(0, 1)).toBeUndefined();
  });

  it("draws a traceback line by line, and counts it once", () => {
    const lines = new LogLines();
    lines.add([line(1), line(9)]);
    lines.add([line(5, "Traceback\n  File\nValueError: x\n", "error")]);
    expect(Array.from({ length: lines.length }, (_, at) => lines.at(at)?.text)).toEqual([
      "line 1",
      "Traceback",
      "  File",
      "ValueError: x",
      "line 9",
    ]);
    expect(lines.byLevel.error).toBe(1);
    expect(lines.add([line(5, "again")])).toBe(false);
  });

  it("takes 100,000 lines and a search over them", () => {
    const lines = new LogLines();
    lines.add(Array.from({ length: 100_000 }, (_, n) => line(n + 1)));
    lines.use({ level: "debug", search: "line 9999", only: true });
    expect(lines.length).toBe(11);
    expect(lines.width).toBe(10);
  });
});

describe("levelOf", () => {
  it("knows the names that loggers use", () => {
    expect(["WARN", "CRITICAL", "", "trace"].map(levelOf)).toEqual(["warning", "error", "info", "debug"]);
  });
});

describe("cut", () => {
  it("alternates between what is between hits and the hits", () => {
    expect(cut("aXbxc", "x")).toEqual(["a", "X", "b", "x", "c"]);
    expect(cut("abc", "")).toEqual(["abc"]);
  });
});
