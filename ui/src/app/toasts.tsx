/** Short notes in a corner: what an action did, or why it could not. */

import { createContext, useCallback, useContext, useRef, useState, type ReactNode } from "react";
import type { Problem } from "@/api/problem";
import css from "./toasts.module.css";

interface Toast {
  id: number;
  text: string;
  fix: string;
  bad: boolean;
}

export interface Toasts {
  say(text: string): void;
  fail(problem: Problem): void;
}

const GOOD_MS = 5_000;
const ToastContext = createContext<Toasts | null>(null);

export function useToasts(): Toasts {
  const toasts = useContext(ToastContext);
  if (toasts === null) throw new Error("useToasts outside of ToastProvider");
  return toasts;
}

export function ToastProvider({ children }: { children: ReactNode }) {
  const [list, setList] = useState<Toast[]>([]);
  const last = useRef(0);
  const drop = useCallback((id: number) => setList((old) => old.filter((toast) => toast.id !== id)), []);
  const add = useCallback(
    (toast: Omit<Toast, "id">) => {
      last.current += 1;
      const id = last.current;
      setList((old) => [...old.slice(-3), { ...toast, id }]);
      // What failed stays until it was read.
      if (!toast.bad) setTimeout(() => drop(id), GOOD_MS);
    },
    [drop],
  );
  const [toasts] = useState<Toasts>(() => ({
    say: (text) => add({ text, fix: "", bad: false }),
    fail: (problem) => add({ text: problem.message, fix: problem.fix, bad: true }),
  }));
  return (
    <ToastContext.Provider value={toasts}>
      {children}
      <div className={css.corner} role="status" aria-live="polite">
        {list.map((toast) => (
          <div key={toast.id} className={css.toast} data-bad={toast.bad}>
            <div>
              <p>{toast.text}</p>
              {toast.fix && <p className={css.fix}>{toast.fix}</p>}
            </div>
            <button type="button" aria-label="Dismiss" onClick={() => drop(toast.id)}>
              ×
            </button>
          </div>
        ))}
      </div>
    </ToastContext.Provider>
  );
}
