import type { ReactNode } from "react";
import type { Problem } from "@/api/problem";
import css from "./problem-box.module.css";

/** An error of the API where its data would stand: what happened, then the fix. */
export function ProblemBox({ problem, children }: { problem: Problem; children?: ReactNode }) {
  return (
    <div className={css.box} role="alert">
      <p className={css.title}>{problem.title}</p>
      {problem.message !== problem.title && <p>{problem.message}</p>}
      {problem.errors.length > 0 && (
        <ul>
          {problem.errors.map((error) => (
            <li key={error.field + error.message}>
              <code>{error.field}</code> {error.message}
            </li>
          ))}
        </ul>
      )}
      {problem.fix && <p className={css.fix}>{problem.fix}</p>}
      {children}
    </div>
  );
}
