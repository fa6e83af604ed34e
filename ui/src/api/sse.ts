/** A parser of `text/event-stream`: bytes in, events out (HTML Living Standard, 9.2.6). */

export interface ServerEvent {
  id: string;
  event: string;
  data: string;
}

/** Feeds may be cut anywhere, even inside a line; `push` returns the events that became whole. */
export class EventParser {
  private rest = "";
  private id = "";
  private event = "";
  private data: string[] = [];

  push(chunk: string): ServerEvent[] {
    const lines = (this.rest + chunk).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.line(line));
  }

  private line(line: string): ServerEvent[] {
    if (line === "") return this.flush();
    if (line.startsWith(":")) return [];
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id") this.id = value;
    else if (field === "event") this.event = value;
    else if (field === "data") this.data.push(value);
    return [];
  }

  private flush(): ServerEvent[] {
    const whole = this.data.length ? [{ id: this.id, event: this.event || "message", data: this.data.join("\n") }] : [];
    this.event = "";
    this.data = [];
    return whole;
  }
}
