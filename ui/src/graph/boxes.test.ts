import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, it } from "vitest";
import { Counters } from "@/graph/boxes";
import type { BoxStatus } from "@/graph/status";

const words = (counts: BoxStatus["counts"]) => {
  const status = { state: "failed", counts, done: 4, total: 4, started_us: 1, finished_us: 2 } as BoxStatus;
  return renderToStaticMarkup(createElement(Counters, { status })).replace(/<[^>]*>/g, "");
};

it("keeps two numbers that stand side by side apart", () => {
  expect(words({ failed: 4 })).toBe("4 / 4 · 4 failed");
  expect(words({ succeeded: 4 })).toBe("4 / 4");
});
