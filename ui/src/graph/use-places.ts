/** Where the boxes of a shape stand, as a page draws them: at once what is known, else nothing, and a draft at last. */

import { useEffect, useMemo, useReducer, useState } from "react";
import type { Folded } from "@/graph/fold";
import { columns, shapeKey, withoutFrames, type Direction, type Placed } from "@/graph/layout";
import type { Layouts } from "@/graph/layouts";

/** So long nothing, or the graph as it was, is better than a draft whose boxes jump soon after. */
export const PATIENCE_MS = 2_500;

export interface Drawn {
  readonly placed: Placed;
  readonly shape: Folded;
  readonly isDraft: boolean;
}

/**
 * What to draw; null while the first layout is computed. A draft gives way to the layout at once, unless `held`:
 * then somebody points at its boxes, and they stay where they are.
 */
export function usePlaces(layouts: Layouts, shape: Folded, direction: Direction, held: boolean): Drawn | null {
  const [, answered] = useReducer((n: number) => n + 1, 0);
  const key = shapeKey(shape, direction);
  const [late, setLate] = useState("");
  const [last, setLast] = useState<{ key: string; drawn: Drawn } | null>(null);
  useEffect(() => {
    if (layouts.peek(shape, direction)) return;
    let wanted = true;
    const timer = setTimeout(() => setLate(key), PATIENCE_MS);
    void layouts.place(shape, direction).then(() => {
      clearTimeout(timer);
      if (wanted) answered();
    });
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
    // The key says all that matters of the shape.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key, layouts]);
  const known = layouts.peek(shape, direction);
  const isLate = late === key;
  const draft = useMemo(() => {
    if (!isLate) return null;
    const plain = withoutFrames(shape);
    return { placed: columns(plain, direction), shape: plain, isDraft: true };
  }, [isLate, shape, direction]);
  const final = useMemo(() => known && { placed: known, shape, isDraft: false }, [known, shape]);
  const isHeld = held && last?.key === key && last.drawn.isDraft && draft !== null;
  const now = isHeld ? draft : (final ?? draft);
  // What was drawn stays while the layout of another fold is computed.
  if (now && now !== last?.drawn) setLast({ key, drawn: now });
  return now ?? last?.drawn ?? null;
}
