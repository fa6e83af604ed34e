// @vitest-environment happy-dom
import { act, type ComponentType } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { later } from "@/design/later";

const Said = ({ text }: { text: string }) => <p>{text}</p>;

let room: HTMLElement;

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  room = document.createElement("div");
});

afterEach(() => vi.unstubAllGlobals());

async function draw(Part: ComponentType<{ text: string }>): Promise<void> {
  await act(async () => createRoot(room).render(<Part text="here" />));
}

describe("a part whose code comes later", () => {
  it("is preceded by its fallback", async () => {
    let arrive: (part: typeof Said) => void = () => undefined;
    await draw(later(() => new Promise<typeof Said>((resolve) => (arrive = resolve)), <i>soon</i>));
    expect(room.textContent).toBe("soon");
    await act(async () => arrive(Said));
    expect(room.textContent).toBe("here");
  });

  it("is drawn at once when it was asked ahead", async () => {
    const seen: string[] = [];
    const Fallback = () => {
      seen.push("fallback");
      return null;
    };
    const Part = later(() => Promise.resolve(Said), <Fallback />);
    await Part.load();
    await draw(Part);
    expect(room.textContent).toBe("here");
    expect(seen).toEqual([]);
  });

  it("is asked for once", async () => {
    const from = vi.fn(() => Promise.resolve(Said));
    const Part = later(from, null);
    await Promise.all([Part.load(), Part.load(), draw(Part)]);
    expect(from).toHaveBeenCalledTimes(1);
  });

  it("breaks the page when its code cannot be loaded, and is asked for again", async () => {
    const from = vi.fn(() => Promise.reject(new Error("gone")));
    const Part = later(from, null);
    await expect(draw(Part)).rejects.toThrow("gone");
    await expect(Part.load()).rejects.toThrow("gone");
    expect(from.mock.calls.length).toBeGreaterThan(1);
  });
});
