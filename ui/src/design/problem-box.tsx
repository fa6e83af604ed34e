import type { ReactNode } from "react";
import type { Problem } from "@/api/problem";
import { said } from "@/design/said";
import css from "./problem-box.module.css";

/** An error of the API where its data would stand: what happened, then the fix. */
export function ProblemBox({ problem, children }: { problem: Problem; children?: ReactNode }) {
  return (
    <div className={css.box} role="alert">
      <p className={css.title}>{problem.title}</p>
      {problem.message !== problem.title && <p className={css.words}>{said(problem.message)}</p>}
      {problem.errors.length > 0 && (
        <ul>
          {problem.errors.map((error) => (
            <li key={error.field + error.message}>
              <code>{error.field}</code> {error.message}
            </li>
          ))}
        </ul>
      )}
      {fixOf(problem.fix) && <p className={`${css.words} ${css.fix}`}>{said(fixOf(problem.fix))}</p>}
      {children}
    </div>
  );
}

/** Without requests, which are for scripts: whoever reads this has a page. */
function fixOf(fix: string): string {
  return fix
    .replace(/ \(or GET \/\S+\)/g, "")
    .split("; ")
    .filter((part) => !/\bGET \/api/.test(part))
    .join("; ");
}
