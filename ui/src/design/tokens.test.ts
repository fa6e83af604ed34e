import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const css = readFileSync("src/design/tokens.css", "utf8");
const [lightCss = "", darkCss = ""] = [css.slice(0, css.indexOf("/* The same twice")), css.slice(css.indexOf(':root[data-theme="dark"] {'))];
const TEXTS = ["ink", "ink-2", "ink-3", "copper", "succeeded", "failed", "running", "retrying", "waiting", "deferred", "skipped", "upstream", "cancelled"];
const GROUNDS = ["paper", "sheet", "sunk", "hover", "copper-soft"];

function colours(block: string): Map<string, string> {
  return new Map([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = "", value = ""]) => [name, value]));
}

/** WCAG 2.2, relative luminance and contrast ratio. */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const channel = parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

describe.each([
  ["light", colours(lightCss)],
  ["dark", colours(darkCss)],
])("%s", (_, theme) => {
  it.each(TEXTS)("%s can be read on every ground", (text) => {
    const grounds = [...GROUNDS, ...(theme.has(`${text}-soft`) ? [`${text}-soft`] : [])];
    const weak = grounds.filter((ground) => contrast(theme.get(text) ?? "", theme.get(ground) ?? "") < 4.5);
    expect(weak).toEqual([]);
  });
});

describe("dark", () => {
  it("is the same whether it was chosen or is the system's", () => {
    const preferred = css.slice(css.indexOf("@media (prefers-color-scheme: dark)"), css.indexOf(':root[data-theme="dark"] {'));
    const chosen = darkCss.slice(0, darkCss.indexOf("}"));
    expect(colours(preferred)).toEqual(colours(chosen));
  });
});

describe("plum", () => {
  it("is of what failed upstream and of letters in code and logs: a broken file has the colour of failures", () => {
    const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((file) => /\.(css|tsx)$/.test(file));
    const plum = files.filter((file) => /--upstream|tone: "upstream"/.test(readFileSync(`src/${file}`, "utf8")));
    expect(plum.sort()).toEqual(["code/code.module.css", "design/state.tsx", "design/tokens.css", "run/log.module.css"]);
  });
});
