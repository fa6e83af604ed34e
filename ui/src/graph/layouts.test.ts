import { describe, expect, it } from "vitest";

import { fold, type FoldInput } from "./fold";
import type { ElkNode } from "./layout";
import { Layouts, Shelf } from "./layouts";

const input: FoldInput = {
  nodes: ["a", "b", "c", "d"].map((id) => ({ id, label: id, kind: "task", group: id === "b" ? "g" : null })),
  edges: [
    { source: "a", target: "b", kind: "data", label: null },
    { source: "c", target: "d", kind: "data", label: null },
  ],
  groups: [{ id: "g", label: "g", parent: null }],
};
const drawn = fold(input, new Set());

class Memory {
  readonly kept = new Map<string, string>();
  getItem = (name: string) => this.kept.get(name) ?? null;
  setItem = (name: string, text: string) => void this.kept.set(name, text);
  removeItem = (name: string) => void this.kept.delete(name);
}

const answer = (root: ElkNode): Promise<ElkNode> =>
  Promise.resolve({ ...root, children: root.children?.map((child, i) => ({ ...child, x: i, y: i })) });

describe("Layouts", () => {
  it("asks once for a shape, whatever happens to its states", async () => {
    let asked = 0;
    const layouts = new Layouts((root) => {
      asked += 1;
      return answer(root);
    });
    await Promise.all([layouts.place(drawn, "RIGHT"), layouts.place(drawn, "RIGHT")]);
    await layouts.place(fold(input, new Set()), "RIGHT");
    expect(asked).toBe(1);
    expect(layouts.peek(drawn, "RIGHT")?.places.get("c")?.x).toBe(2);
    expect(layouts.peek(drawn, "DOWN")).toBeUndefined();
  });

  it("falls back to columns when the worker fails", async () => {
    const layouts = new Layouts(() => Promise.reject(new Error("out of memory")));
    const placed = await layouts.place(drawn, "RIGHT");
    expect(placed.places.size).toBe(4);
  });

  it("keeps a bounded number of shapes", async () => {
    const layouts = new Layouts(answer, 1);
    await layouts.place(drawn, "RIGHT");
    await layouts.place(drawn, "DOWN");
    expect(layouts.peek(drawn, "RIGHT")).toBeUndefined();
  });

  it("finds after a reload what it was told before", async () => {
    const storage = new Memory();
    await new Layouts(answer, 40, new Shelf(storage)).place(drawn, "RIGHT");
    const again = new Layouts(() => Promise.reject(new Error("nobody asks")), 40, new Shelf(storage));
    const known = again.peek(drawn, "RIGHT");
    expect(known?.places.get("c")?.x).toBe(2);
    expect(known?.routes.get("a→b")).toEqual([]);
  });

  it("keeps no draft for the next visit", async () => {
    const storage = new Memory();
    await new Layouts(() => Promise.reject(new Error("out of memory")), 40, new Shelf(storage)).place(drawn, "RIGHT");
    expect(storage.kept.size).toBe(0);
  });
});

describe("Shelf", () => {
  const placed = { places: new Map(), routes: new Map([["a→b", [1, 2, 3, 4]]]), width: 1, height: 2 };

  it("forgets the oldest when it is full", () => {
    const shelf = new Shelf(new Memory(), 160);
    shelf.put("one", placed);
    shelf.put("two", placed);
    shelf.put("three", placed);
    expect(shelf.find("one")).toBeUndefined();
    expect(shelf.find("three")).toEqual(placed);
  });

  it("is empty where the storage is shut or speaks otherwise", () => {
    const shut = () => {
      throw new Error("denied");
    };
    const shelf = new Shelf({ getItem: shut, setItem: shut, removeItem: shut });
    shelf.put("one", placed);
    expect(shelf.find("one")).toBeUndefined();
    const strange = new Memory();
    strange.setItem("toque:layouts:2", "<html>");
    expect(new Shelf(strange).find("one")).toBeUndefined();
  });
});
