/** Keyboard shortcuts: single keys and two-key sequences (`g h`), known to the help of `?`. */

import { useEffect, useEffectEvent, useSyncExternalStore } from "react";

export interface Shortcut {
  /** As typed and shown: `j`, `?`, `g h`, `Mod+k` (⌘ on a Mac, Ctrl elsewhere). */
  keys: string;
  words: string;
  run: () => void;
}

const SEQUENCE_MS = 900;

export class Keyboard {
  private shortcuts: readonly Shortcut[] = [];
  private readonly watchers = new Set<() => void>();
  private prefix = "";
  private prefixAt = 0;

  add(shortcut: Shortcut): () => void {
    this.shortcuts = [...this.shortcuts, shortcut];
    this.tell();
    return () => {
      this.shortcuts = this.shortcuts.filter((other) => other !== shortcut);
      this.tell();
    };
  }

  list = (): readonly Shortcut[] => this.shortcuts;

  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  /** Runs the youngest shortcut that fits, so that a page's own comes before the shell's; whether one did. */
  press(key: string, nowMs: number): boolean {
    const sequence = this.prefix && nowMs - this.prefixAt < SEQUENCE_MS ? `${this.prefix} ${key}` : key;
    this.prefix = "";
    const fitting = this.shortcuts.findLast((shortcut) => shortcut.keys === sequence);
    if (fitting) {
      fitting.run();
      return true;
    }
    if (sequence === key && this.shortcuts.some((shortcut) => shortcut.keys.startsWith(`${key} `))) {
      this.prefix = key;
      this.prefixAt = nowMs;
      return true;
    }
    return false;
  }

  private tell(): void {
    for (const watcher of this.watchers) watcher();
  }
}

export const keyboard = new Keyboard();

/** The name of a pressed key as shortcuts spell it; empty for keys that belong to the browser or to text being typed. */
export function keyName(event: KeyboardEvent): string {
  const mod = event.metaKey || event.ctrlKey;
  if (mod) return event.key.toLowerCase() === "k" && !event.altKey ? "Mod+k" : "";
  if (event.altKey || event.isComposing) return "";
  const target = event.target as HTMLElement | null;
  if (target?.closest("input, textarea, select, [contenteditable=true], [role=textbox], dialog[open]")) return "";
  return event.key;
}

export function useKeyboard(): void {
  useEffect(() => {
    const down = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return;
      const name = keyName(event);
      if (name && keyboard.press(name, event.timeStamp)) event.preventDefault();
    };
    document.addEventListener("keydown", down);
    return () => document.removeEventListener("keydown", down);
  }, []);
}

/** Binds `keys` while the component is mounted and `active`. */
export function useShortcut(keys: string, words: string, run: () => void, active = true): void {
  const call = useEffectEvent(run);
  useEffect(() => {
    if (!active) return;
    return keyboard.add({ keys, words, run: () => call() });
  }, [keys, words, active]);
}

export function useShortcuts(): readonly Shortcut[] {
  return useSyncExternalStore(keyboard.watch, keyboard.list);
}
