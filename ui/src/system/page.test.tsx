// @vitest-environment happy-dom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { describe, expect, it, vi } from "vitest";
import type { ServerRow } from "@/api/types";
import { Servers } from "@/system/page";

const server = (instance: string, change: Partial<ServerRow> = {}): ServerRow => ({
  instance,
  boot: 1,
  pid: 7,
  host: "h",
  role: "server",
  started_us: 1,
  alive: false,
  active_runs: 0,
  lease_until_us: 0,
  this: false,
  ...change,
});
vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);

function drawn(servers: readonly ServerRow[]): string {
  const room = document.createElement("div");
  const root = createRoot(room);
  act(() => root.render(<Servers servers={servers} />));
  const html = room.innerHTML;
  act(() => root.unmount());
  return html;
}

const listed = (html: string) => html.split("<details")[0]?.match(/<li/g)?.length ?? 0;

describe("Servers", () => {
  it("folds those that are gone, but for one that still holds runs", () => {
    const html = drawn([server("up", { alive: true }), server("held", { active_runs: 2 }), server("old"), server("older")]);
    expect(listed(html)).toBe(2);
    expect(html).toContain("2 are gone, and held nothing");
  });

  it("lists only the newest of many that are gone", () => {
    const html = drawn(Array.from({ length: 50 }, (_, at) => server(`s${at}`, { started_us: at + 1 })));
    expect(html.match(/<li/g)).toHaveLength(21);
    expect(html).toContain("and 30 older ones");
  });

  it("says nothing of the dead where none is", () => {
    expect(drawn([server("up", { alive: true })])).not.toContain("<details");
  });
});
