/** Where the keyboard goes when a panel is shut: to what opened it, or to what would open it again. */

import { useEffect, useRef, type RefObject } from "react";

/** Mark what opens a task run by its name; what is redrawn meanwhile is found again by it. */
export const OPENS = "data-opens";

/** Focus goes to `head` when another task run is shown, and back when `panel` is gone. */
export function useFocusReturn(
  panel: RefObject<HTMLElement | null>,
  head: RefObject<HTMLElement | null>,
  { task, name }: { task: string; name: string },
): void {
  const opener = useRef<Element | null>(null);
  const shown = useRef({ task, name });
  useEffect(() => {
    shown.current = { task, name };
    const active = document.activeElement;
    if (active && active !== document.body && !panel.current?.contains(active)) opener.current = active;
    head.current?.focus({ preventScroll: true });
  }, [panel, head, task, name]);
  useEffect(
    () => () => {
      // What the panel covered is drawn again with this frame.
      requestAnimationFrame(() => giveBack(opener.current, shown.current));
    },
    [],
  );
}

/** Nobody's focus is taken: only one that fell to the page with the panel. */
export function giveBack(opener: Element | null, shown: { task: string; name: string }): void {
  if (document.activeElement && document.activeElement !== document.body) return;
  const again = opener?.isConnected ? opener : openerOf(shown.name, shown.task);
  if (again instanceof HTMLElement || again instanceof SVGElement) again.focus();
}

function openerOf(name: string, task: string): Element | null {
  const named = (attribute: string, value: string) => document.querySelector(`[${attribute}="${CSS.escape(value)}"]`);
  return named(OPENS, name) ?? named("data-id", task);
}
