// @vitest-environment happy-dom
import { describe, expect, it, vi } from "vitest";
import { Keyboard, keyName } from "@/app/keys";
import pages from "@/app/pages.json";
import { rank, score } from "@/app/ranking";
import { router } from "@/app/router";
import { only, parseSearch, stringifySearch } from "@/app/search";
import { takeKey } from "@/app/sign-in";

describe("pages.json", () => {
  it("names every page of the router, and no other", () => {
    const routed = Object.keys(router.routesByPath).sort();
    expect(pages.map((page) => page.path).sort()).toEqual(routed);
  });

  it("gives each key to one page", () => {
    const keys = pages.flatMap((page) => page.key ?? []);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe("search", () => {
  it("keeps addresses readable, there and back", () => {
    expect(stringifySearch({ state: "failed,running", search: "", from: undefined })).toBe("?state=failed%2Crunning");
    expect(stringifySearch({})).toBe("");
    expect(parseSearch("?a=1&b=x%20y")).toEqual({ a: "1", b: "x y" });
  });

  it("drops names that a page does not know", () => {
    expect(only("a", "b")({ a: "1", b: "", c: "3" })).toEqual({ a: "1" });
  });
});

describe("takeKey", () => {
  it("takes the key out of the address, wherever it stands", () => {
    expect(takeKey("http://h/runs?state=failed&key=abc")).toEqual({ key: "abc", rest: "/runs?state=failed" });
    expect(takeKey("http://h/#key=abc")).toEqual({ key: "abc", rest: "/" });
    expect(takeKey("http://h/sign-in?key=abc")).toEqual({ key: "abc", rest: "/" });
    expect(takeKey("http://h/runs#top")).toEqual({ key: "", rest: "/runs#top" });
  });
});

describe("Keyboard", () => {
  it("runs single keys and sequences, the youngest first", () => {
    const keyboard = new Keyboard();
    const [shell, home, page] = [vi.fn(), vi.fn(), vi.fn()];
    keyboard.add({ keys: "r", words: "", run: shell });
    keyboard.add({ keys: "g h", words: "", run: home });
    const quit = keyboard.add({ keys: "r", words: "", run: page });
    keyboard.press("r", 0);
    expect([shell, page].map((run) => run.mock.calls.length)).toEqual([0, 1]);
    quit();
    keyboard.press("r", 1);
    expect(shell).toHaveBeenCalledOnce();
    expect([keyboard.press("g", 2), keyboard.press("h", 3)]).toEqual([true, true]);
    expect(home).toHaveBeenCalledOnce();
  });

  it("forgets the first key of a sequence after a moment", () => {
    const keyboard = new Keyboard();
    const home = vi.fn();
    keyboard.add({ keys: "g h", words: "", run: home });
    keyboard.press("g", 0);
    expect(keyboard.press("h", 5_000)).toBe(false);
    expect(home).not.toHaveBeenCalled();
  });

  it("leaves keys to the browser and to text being typed", () => {
    expect(keyName(new KeyboardEvent("keydown", { key: "k", ctrlKey: true }))).toBe("Mod+k");
    expect(keyName(new KeyboardEvent("keydown", { key: "c", ctrlKey: true }))).toBe("");
    const input = document.createElement("input");
    let name = "?";
    input.addEventListener("keydown", (event) => (name = keyName(event)));
    input.dispatchEvent(new KeyboardEvent("keydown", { key: "j" }));
    expect(name).toBe("");
  });
});

describe("rank", () => {
  it("puts whole words before parts, and parts before scattered letters", () => {
    const names = ["warehouse_flags", "reflights", "flights", "f-l-i-g-h-t-s of fancy"];
    expect(rank(names, "flights", (name) => name)).toEqual(["flights", "reflights", "f-l-i-g-h-t-s of fancy"]);
  });

  it("wants every word", () => {
    expect(rank(["start flights", "start hotels"], "st fl", (name) => name)).toEqual(["start flights"]);
    expect(score("abc", "x")).toBe(0);
  });
});
