/** A dry run: an ordinary run that says what the sync would do; shown here as soon as it has ended. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTopic } from "@/api/live";
import { asProblem } from "@/api/problem";
import { runQuery } from "@/api/queries";
import { tableOf } from "@/assets/check-words";
import { Button } from "@/design/button";
import { ProblemBox } from "@/design/problem-box";
import { isLive, StateMark } from "@/design/state";
import { shortId } from "@/design/words";
import { foreseenQuery, type Foreseen as Told } from "@/syncs/queries";
import { predictedOf } from "@/syncs/words";
import css from "./syncs.module.css";

export function Foreseen({ runId, task, close }: { runId: string; task: string; close: () => void }) {
  useTopic(`run:${runId}`);
  const run = useQuery(runQuery(runId));
  const state = run.data?.state ?? "queued";
  const told = useQuery({ ...foreseenQuery(runId, task), enabled: state === "succeeded" });
  return (
    <section className={css.foreseen} aria-label="Dry run">
      <header>
        <h2>Dry run</h2>
        <StateMark state={state} />
        <Link to="/runs/$runId" params={{ runId }} search={{ task }}>
          <code title={runId}>{shortId(runId)}</code>
        </Link>
        <Button onClick={close}>Close</Button>
      </header>
      {run.error && <ProblemBox problem={asProblem(run.error)} />}
      {isLive(state) && <p role="status">It compares the table with what was acknowledged, and asks the destination what it has. Nothing is sent.</p>}
      {state === "failed" && <p>It failed: {run.data?.error?.message ?? "the run says why"}</p>}
      {told.error && <ProblemBox problem={asProblem(told.error)} />}
      {told.data && <Effect told={told.data} />}
    </section>
  );
}

function Effect({ told }: { told: Told }) {
  return (
    <>
      <p className={css.predicted} role="status">
        {predictedOf(told)}
      </p>
      {told.deviations.map((each) => (
        <p key={each.kind} className={css.deviation}>
          {each.severity === "stop" ? "It would stop before it sends anything: " : "Unusual: "}
          {each.message}
        </p>
      ))}
      {Object.entries(told.samples).map(([operation, records]) => (
        <Samples key={operation} operation={operation} of={told.operations[operation] ?? records.length} records={records} />
      ))}
      {told.rejects.length > 0 && <Samples operation="not be sent" of={told.invalid} records={told.rejects.map(({ reason, record }) => ({ reason, ...record }))} />}
    </>
  );
}

function Samples({ operation, of, records }: { operation: string; of: number; records: readonly Record<string, unknown>[] }) {
  const { columns, rows } = tableOf(records);
  return (
    <div className={css.scroll} tabIndex={0} role="region" aria-label={`Records to ${operation}`}>
      <table className={css.table}>
        <caption>
          {operation}: the first {rows.length.toLocaleString()} of {of.toLocaleString()}
        </caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              {row.map((cell, column) => (
                <td key={columns[column]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
