import { describe, expect, it } from "vitest";
import { EventParser } from "@/api/sse";

describe("EventParser", () => {
  it("returns events once they are whole, wherever the feed is cut", () => {
    const text = "id: 7\nevent: patch\ndata: {\"a\":\ndata: 1}\n\n: still here\n\ndata: x\n\n";
    const whole = new EventParser().push(text);
    expect(whole).toEqual([
      { id: "7", event: "patch", data: '{"a":\n1}' },
      { id: "7", event: "message", data: "x" },
    ]);
    for (let cut = 0; cut < text.length; cut += 1) {
      const parser = new EventParser();
      expect([...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))]).toEqual(whole);
    }
  });

  it("takes CRLF for one end of line, even cut in two", () => {
    const parser = new EventParser();
    expect(parser.push("data: a\r")).toEqual([]);
    expect(parser.push("\n\r\n")).toEqual([{ id: "", event: "message", data: "a" }]);
  });

  it("keeps silent about comments and unknown fields", () => {
    expect(new EventParser().push(": hello\nretry: 10\n\n")).toEqual([]);
  });
});
