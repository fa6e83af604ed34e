/**
 * A part of a page whose code is a file of its own.
 *
 * Not React's `lazy`: that shows its fallback even where the code is at hand, and what follows a fallback is held back
 * for 300 ms. This one is drawn as soon as there is something to draw, at once where `load` was asked ahead.
 */

import { createElement, useEffect, useReducer, type ComponentType, type FunctionComponent, type ReactNode } from "react";

export interface Later<P> extends FunctionComponent<P> {
  /** Begins to load the code; who waits for it learns when it cannot be. */
  load(): Promise<void>;
}

type News = { error: unknown } | null;

/** `fallback` stands where the part will; code that cannot be loaded breaks the page as one that throws does. */
export function later<P extends object>(from: () => Promise<ComponentType<P>>, fallback: ReactNode): Later<P> {
  let part: ComponentType<P> | null = null;
  let asked: Promise<void> | null = null;
  const load = () =>
    (asked ??= from().then(
      (found) => {
        part = found;
      },
      (error: unknown) => {
        asked = null;
        throw error;
      },
    ));
  function Part(props: P) {
    const [news, tell] = useReducer((_: News, next: News) => next ?? { error: null }, null);
    const isThere = part !== null;
    useEffect(() => {
      if (isThere) return;
      let wanted = true;
      load().then(
        () => wanted && tell(null),
        (error: unknown) => wanted && tell({ error }),
      );
      return () => {
        wanted = false;
      };
    }, [isThere]);
    if (news?.error) throw news.error;
    return part ? createElement(part, props) : fallback;
  }
  return Object.assign(Part, { load });
}
