import { describe, expect, it } from "vitest";
import { marked } from "@/run/problem";

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
