/** Walking a list by keyboard: `j` and `k` move, Enter opens, and the row that is meant stays in sight. */

import { useState } from "react";
import { useShortcut } from "@/app/keys";

interface Rows {
  /** The row that is meant; -1 before the first key. */
  at: number;
  setAt: (at: number) => void;
}

export function useRows(count: number, open: (at: number) => void, reveal?: (at: number) => void): Rows {
  const [chosen, setAt] = useState(-1);
  const at = Math.min(chosen, count - 1);
  const move = (step: number) => {
    const next = Math.max(0, Math.min(count - 1, at + step));
    setAt(next);
    reveal?.(next);
  };
  useShortcut("j", "Next row", () => move(1), count > 0);
  useShortcut("k", "Row before", () => move(at < 0 ? 1 : -1), count > 0);
  useShortcut("Enter", "Open the row", () => open(at), at >= 0);
  return { at, setAt };
}
