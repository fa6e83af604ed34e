import type { ReactNode } from "react";
import css from "./page.module.css";

interface PageProps {
  title: ReactNode;
  /** Beside the title: counts, a state. */
  note?: ReactNode;
  actions?: ReactNode;
  /** Below the title, above what scrolls: filters, tabs. */
  tools?: ReactNode;
  /** `fixed`: the content scrolls itself (virtual lists); else the page does. */
  fixed?: boolean;
  children: ReactNode;
}

export function Page({ title, note, actions, tools, fixed = false, children }: PageProps) {
  return (
    <div className={css.page} data-fixed={fixed}>
      <header className={css.head}>
        <div className={css.line}>
          <div className={css.who}>
            <h1>{title}</h1>
            {note && <div className={css.note}>{note}</div>}
          </div>
          {actions && <div className={css.actions}>{actions}</div>}
        </div>
        {tools && <div className={css.tools}>{tools}</div>}
      </header>
      <div className={css.body}>{children}</div>
    </div>
  );
}

/** A part of a page with its heading. */
export function Section({ title, note, children, wide = false }: { title: ReactNode; note?: ReactNode; children: ReactNode; wide?: boolean }) {
  return (
    <section className={css.section} data-wide={wide}>
      <div className={css.sectionHead}>
        <h2>{title}</h2>
        {note && <div className={css.note}>{note}</div>}
      </div>
      {children}
    </section>
  );
}
