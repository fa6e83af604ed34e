import { describe, expect, it } from "vitest";
import { bytes, duration, moment, pipelineOf, plainText, plural, relative, scheduleOf, shortId, shortVersion, span, taskName, utc } from "@/design/words";

const S = 1_000_000;
const NOW = Date.UTC(2026, 10, 22, 21, 0, 0) * 1_000;

describe("duration", () => {
  it.each([
    [0, "0 s"],
    [400, "<1 ms"],
    [1_500, "2 ms"],
    [400_000, "400 ms"],
    [1.25 * S, "1.3 s"],
    [59.4 * S, "59 s"],
    [184 * S, "3 m 04 s"],
    [7_800 * S, "2 h 10 m"],
    [273_600 * S, "3 d 4 h"],
    [-5, "0 s"],
  ])("%d µs is %s", (us, words) => expect(duration(us)).toBe(words));
});

describe("relative", () => {
  it.each([
    [NOW - 2 * S, "just now"],
    [NOW + 2 * S, "now"],
    [NOW - 42 * S, "42 s ago"],
    [NOW - 240 * S, "4 m ago"],
    [NOW + 2 * 3600 * S, "in 2 h"],
    [NOW - 3 * 86_400 * S, "3 d ago"],
  ])("%d is %s", (us, words) => expect(relative(us, NOW, "en-US")).toBe(words));

  it("says the date beyond a week", () => {
    expect(relative(NOW - 30 * 86_400 * S, NOW, "en-GB")).toContain("Oct 2026");
  });
});

describe("other words", () => {
  it("tell the same moment in a zone and in UTC", () => {
    expect(moment(NOW, "Asia/Kathmandu", "en-GB")).toContain("02:45:00");
    expect(utc(NOW)).toBe("2026-11-22 21:00:00 UTC");
  });

  it("say the date of a span once", () => {
    expect(span(NOW, NOW + 60 * S, "UTC", "en-GB")).toBe("22 Nov 2026, 21:00:00 – 21:01:00");
    expect(span(NOW, NOW + 86_400 * S, "UTC", "en-GB")).toBe("22 Nov 2026, 21:00:00 – 23 Nov 2026, 21:00:00");
  });

  it("leave out what Markdown adds to them", () => {
    expect(plainText("The **value** of `a_b`, _daily_ [see](https://example.org).")).toBe("The value of a_b, daily see.");
    expect(plainText("2 * 3 * 4, snake_case_name, __init__")).toBe("2 * 3 * 4, snake_case_name, __init__");
    expect(plainText("")).toBe("");
  });

  it("write sizes, counts and names", () => {
    expect([bytes(999), bytes(1_500), bytes(13_600_000)]).toEqual(["999 B", "1.5 kB", "14 MB"]);
    expect([plural(1, "run"), plural(2, "run"), plural(0, "process", "processes")]).toEqual(["1 run", "2 runs", "0 processes"]);
    expect([taskName("load", []), taskName("load", [3, 1])]).toEqual(["load", "load[3.1]"]);
    expect([shortId("1m82kcf754amtbw4ys"), shortId("short")]).toEqual(["amtbw4ys", "short"]);
    expect([shortVersion("659f05390539.0a1b2c3d4e5f"), shortVersion("v1"), shortVersion("a.b")]).toEqual(["659f.0a1b", "v1", "a.b"]);
    expect([pipelineOf("a/b"), scheduleOf("a/b"), scheduleOf("a")]).toEqual(["a", "b", ""]);
  });
});
