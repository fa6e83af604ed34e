import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import { beginning, ErrorView, marked } from "@/run/problem";
import type { RunError } from "@/run/types";

const TRACEBACK = `Traceback (most recent call last):
  File "/usr/lib/python3.11/site-packages/toque/worker/run.py", line 4, in call
    return body()
  File "/srv/project/flights.py", line 12, in check
    raise ValueError("late")
ValueError: late`;

describe("marked", () => {
  it("marks the author's frames with their line, and nothing else", () => {
    const own = marked(TRACEBACK, "flights.py").filter((line) => line.own);
    expect(own.map((line) => line.line.trim())).toEqual([
      'File "/srv/project/flights.py", line 12, in check',
      'raise ValueError("late")',
    ]);
  });
});

describe("a long message", () => {
  it("is folded by characters and by lines", () => {
    expect(beginning("x".repeat(4_000))).toEqual({ start: "x".repeat(600), isCut: true });
    expect(beginning("a\n".repeat(40)).start.split("\n")).toHaveLength(10);
  });

  it("that is short stays whole, whatever ends it", () => {
    expect(beginning("no such file\n\n")).toMatchObject({ isCut: false });
    expect(beginning("x".repeat(600))).toMatchObject({ isCut: false });
  });

  it("begins with what it is, and not with where Toque defines that", () => {
    const said = (type: string) => renderToStaticMarkup(createElement(ErrorView, { error: { type, message: "no", file: "", line: 0, kind: "code", sample: [] } as unknown as RunError }));
    expect(said("toque.errors.UserError")).toContain("<strong>UserError</strong>");
    expect(said("psycopg.OperationalError")).toContain("<strong>psycopg.OperationalError</strong>");
  });

  it("says how much there is, and keeps what follows it near", () => {
    const error = { type: "ValueError", message: "y".repeat(4_000), file: "a.py", line: 3, kind: "data", sample: [] } as unknown as RunError;
    const html = renderToStaticMarkup(createElement(ErrorView, { error }));
    expect(html).toContain("Show all 4,000 characters");
    expect(html).toContain("a.py:3");
    expect(html.length).toBeLessThan(1_500);
  });
});
