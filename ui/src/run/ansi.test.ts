import { describe, expect, it } from "vitest";
import { plain, spans } from "@/run/ansi";

describe("spans", () => {
  it("reads the sixteen colours and the weights", () => {
    const [red, rest] = spans("\u001b[1;31merror\u001b[0m in line 3");
    expect(red).toMatchObject({ text: "error", color: 1, bold: true });
    expect(rest).toMatchObject({ text: " in line 3", color: -1, bold: false });
  });

  it("draws bright, 256 and true colours in one of the sixteen", () => {
    expect(spans("\u001b[92mok")[0]?.color).toBe(10);
    expect(spans("\u001b[38;5;196mx")[0]?.color).toBe(9);
    expect(spans("\u001b[38;2;20;60;250mx")[0]?.color).toBe(12);
    expect(spans("\u001b[38;5;250mx")[0]?.color).toBe(7);
  });

  it("does not take the background for the colour of text, nor its numbers for weights", () => {
    expect(spans("\u001b[48;5;1mx")[0]).toMatchObject({ color: -1, bold: false });
    expect(spans("\u001b[48;2;1;3;4;32mx")[0]).toMatchObject({ color: 2, italic: false, underline: false });
  });

  it("drops cursor movements, titles and control characters", () => {
    expect(spans("\u001b]0;title\u0007a\u001b[2Kb\u0008c").map((span) => span.text)).toEqual(["a", "bc"]);
  });

  it("survives a sequence that was cut", () => {
    expect(plain("done \u001b[3")).toBe("done [3");
  });
});

describe("plain", () => {
  it("is the text that a person reads", () => {
    expect(plain("\u001b[32m10%\r\u001b[32m90%\u001b[0m\n")).toBe("90%");
  });
});
