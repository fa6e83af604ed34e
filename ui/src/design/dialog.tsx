/** A modal on the browser's own <dialog>: focus stays inside, Escape closes, and no style is injected (the CSP forbids it). */

import { useEffect, useRef, type ReactNode } from "react";
import css from "./dialog.module.css";

interface DialogProps {
  title: string;
  close: () => void;
  children: ReactNode;
  /** Buttons at the foot. */
  foot?: ReactNode;
  /** `top`: hangs from the top without a heading, for the palette. */
  place?: "middle" | "top";
}

export function Dialog({ title, close, children, foot, place = "middle" }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      className={css.dialog}
      data-place={place}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onMouseDown={(event) => {
        if (event.target === ref.current) close();
      }}
    >
      <div className={css.sheet}>
        {place === "middle" && <h2 className={css.title}>{title}</h2>}
        {children}
        {foot && <div className={css.foot}>{foot}</div>}
      </div>
    </dialog>
  );
}
