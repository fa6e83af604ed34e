/** The SQL that dbt made of a model in a run, as the attempt left it. */

import { useQuery } from "@tanstack/react-query";
import { asProblem } from "@/api/problem";
import { CodeView } from "@/code/later";
import { ProblemBox } from "@/design/problem-box";
import { Skeleton } from "@/design/skeleton";
import { compiledQuery } from "@/run/queries";
import css from "./dbt.module.css";

export function CompiledSql({ runId, task }: { runId: string; task: string }) {
  const sql = useQuery(compiledQuery(runId, task));
  const problem = sql.error && asProblem(sql.error);
  // Retention takes what an attempt left with its run.
  if (problem?.status === 404) return <p className={css.none}>The run that made it is gone, and its SQL with it.</p>;
  if (problem && !sql.data) return <ProblemBox problem={problem} />;
  if (sql.isPending) return <Skeleton rows={4} height={18} />;
  if (!sql.data) return <p className={css.none}>dbt left no SQL of it in this run.</p>;
  return <CodeView text={sql.data.trim()} path="compiled.sql" />;
}
