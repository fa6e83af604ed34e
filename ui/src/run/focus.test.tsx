// @vitest-environment happy-dom
import { act, useRef } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { useFocusReturn } from "./focus";

function Panel({ task }: { task: string }) {
  const [panel, head] = [useRef<HTMLElement>(null), useRef<HTMLHeadingElement>(null)];
  useFocusReturn(panel, head, { task, name: `${task}[3]` });
  return (
    <aside ref={panel}>
      <h2 ref={head} tabIndex={-1}>
        {task}
      </h2>
    </aside>
  );
}

let root: Root;
const draw = (shown: React.ReactNode) => act(() => root.render(shown));
const focused = () => document.activeElement?.textContent;

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  vi.stubGlobal("requestAnimationFrame", (call: () => void) => call());
  document.body.innerHTML = "<div id=room></div>";
  root = createRoot(document.getElementById("room") as HTMLElement);
});

afterEach(() => {
  act(() => root.unmount());
  vi.unstubAllGlobals();
});

const openers = (
  <p key="openers">
    <button>first</button>
    <button data-opens="load[3]">named</button>
    <button data-id="load">box</button>
  </p>
);
const buttons = () => [...document.querySelectorAll("button")];

describe("useFocusReturn", () => {
  it("brings the keyboard into the panel and back to what opened it", () => {
    draw([openers]);
    buttons()[0]?.focus();
    draw([openers, <Panel key="panel" task="load" />]);
    expect(focused()).toBe("load");
    draw([openers]);
    expect(focused()).toBe("first");
  });

  it("finds by its name what was drawn again meanwhile", () => {
    draw([openers]);
    buttons()[0]?.focus();
    draw([<Panel key="panel" task="load" />]);
    draw([openers]);
    expect(focused()).toBe("named");
  });

  it("goes to the box of the task that was shown last, if nothing else opens it", () => {
    draw([<Panel key="panel" task="extract" />]);
    draw([<Panel key="panel" task="load" />]);
    draw([<button key="box" data-id="load">box</button>]);
    expect(focused()).toBe("box");
  });

  it("takes the keyboard from nobody", () => {
    draw([openers]);
    buttons()[0]?.focus();
    draw([openers, <Panel key="panel" task="load" />]);
    buttons()[2]?.focus();
    draw([openers]);
    expect(focused()).toBe("box");
  });
});
