import type { ReactNode } from "react";
import css from "./empty.module.css";

/** Nothing here yet: why, and the next command to type. */
export function Empty({ title, children, command }: { title: string; children?: ReactNode; command?: string }) {
  return (
    <div className={css.empty}>
      <p className={css.title}>{title}</p>
      {children && <p className={css.text}>{children}</p>}
      {command && (
        <pre className={css.command}>
          <code>{command}</code>
        </pre>
      )}
    </div>
  );
}
