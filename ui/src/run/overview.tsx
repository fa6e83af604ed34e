/** What a person asks first of a task run: why did it fail, why does it wait, what did it say of itself. */

import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Icon } from "@/design/icon";
import { said } from "@/design/said";
import { StateIcon } from "@/design/state";
import { Time, Took } from "@/design/time";
import { duration, exceptionName } from "@/design/words";
import { beginning, ErrorView } from "@/run/problem";
import type { Attempt, RunDetail, TaskRunDetail } from "@/run/types";
import { figure, Series } from "@/values/plot";
import css from "./panel.module.css";

export function Overview({ run, row, attempt }: { run: RunDetail; row: TaskRunDetail; attempt: number }) {
  const tried = row.attempts.find((each) => each.attempt === attempt);
  const error = (attempt === row.attempt ? row.error : null) ?? tried?.error ?? null;
  return (
    <div className={css.stack}>
      {error && <ErrorView error={error} />}
      {row.found_wrong.length > 0 && <FoundWrong found={row.found_wrong} />}
      {row.waiting && <WhyWaiting waiting={row.waiting} runId={run.run_id} />}
      {!row.waiting && row.reason && <p className={css.reason}>{row.reason}</p>}
      {row.progress && <Progress done={row.progress.done} total={row.progress.total} />}
      {row.artifacts.length > 0 && (
        <Part title="Left to look at">
          <p className={css.chips}>
            {row.artifacts.map((artifact) => (
              <Link
                key={artifact.name}
                to="."
                search={(old) => ({ ...old, panel: "values", value: artifact.name })}
                className={css.chip}
              >
                {artifact.name} <span>{artifact.kind}</span>
              </Link>
            ))}
          </p>
        </Part>
      )}
      {row.metrics.length > 0 && (
        <Part title="Metrics">
          <div className={css.metrics}>
            {row.metrics.map((series) => (
              <Series key={series.name} name={series.name} points={series.points as [number, number][]} />
            ))}
          </div>
        </Part>
      )}
      {row.attempts.length > 0 && <Attempts attempts={row.attempts} shown={attempt} />}
      <Facts row={row} />
    </div>
  );
}

/** What its data is like: checks that do not hold, and what is unlike its past. */
function FoundWrong({ found }: { found: TaskRunDetail["found_wrong"] }) {
  return (
    <Part title="Wrong with its data">
      <ul className={css.wrong}>
        {found.map(({ asset, partition, check, severity, message }) => (
          <li key={asset + partition + check} data-tone={severity === "warn" ? "retrying" : "failed"}>
            <StateIcon state={severity === "warn" ? "retrying" : "failed"} />{" "}
            <Link to="/assets/$key" params={{ key: asset }} search={{ check, ...(partition ? { partition } : {}) }}>
              {asset} {partition} {check}
            </Link>
            {message && <p>{said(message)}</p>}
          </li>
        ))}
      </ul>
    </Part>
  );
}

export function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={css.part}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function WhyWaiting({ waiting, runId }: { waiting: NonNullable<TaskRunDetail["waiting"]>; runId: string }) {
  // A timer is its own sentence: once is enough.
  const told = waiting.blockers.filter((blocker) => blocker.text !== waiting.words);
  return (
    <div className={css.waiting} role="group" aria-label="Why is this waiting?">
      <p>
        <Icon name="clock" /> <strong className={css.sentence}>{said(waiting.words)}</strong>
      </p>
      {told.length > 0 && (
        <ul>
          {told.map((blocker) => (
            <li key={blocker.kind + blocker.name}>
              {blocker.kind === "upstream" && (
                <Link to="/runs/$runId" params={{ runId }} search={{ task: blocker.name.replace(/\[.*$/, "") }}>
                  {blocker.name}
                </Link>
              )}
              {blocker.kind === "pool" && (
                <Link to="/pools" search={{ pool: blocker.name }}>
                  pool {blocker.name}
                </Link>
              )}
              {blocker.kind === "run" && (
                <Link to="/runs/$runId" params={{ runId: blocker.name }} search={{}}>
                  run {blocker.name}
                </Link>
              )}{" "}
              <span>{said(blocker.text)}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

export function Progress({ done, total }: { done: number; total: number | null }) {
  const share = total ? Math.min(1, done / total) : null;
  return (
    <div className={css.progress}>
      <progress value={share ?? undefined} max={1} aria-label="Progress" />
      <span>
        {figure(done)}
        {total ? ` of ${figure(total)} (${Math.floor((share ?? 0) * 100)} %)` : ""}
      </span>
    </div>
  );
}

function Attempts({ attempts, shown }: { attempts: readonly Attempt[]; shown: number }) {
  return (
    <Part title="Attempts">
      <div className={css.tableRoom}>
        <table className={css.table}>
          <thead>
            <tr>
              <th scope="col">#</th>
              <th scope="col">Outcome</th>
              <th scope="col">Started</th>
              <th scope="col">Waited</th>
              <th scope="col">Took</th>
              <th scope="col">Error</th>
            </tr>
          </thead>
          <tbody>
            {[...attempts].reverse().map((each) => (
              <tr key={each.attempt} data-shown={each.attempt === shown}>
                <td>
                  <Link to="." search={(old) => ({ ...old, attempt: String(each.attempt) })}>
                    {each.attempt}
                  </Link>
                </td>
                <td className={css.outcome}>
                  <StateIcon state={iconOf(each.outcome)} /> {each.outcome.replace("_", " ")}
                </td>
                <td>
                  <Time us={each.started_us} form="moment" />
                </td>
                <td>{each.started_us && each.dispatched_us ? duration(each.started_us - each.dispatched_us) : "–"}</td>
                <td>
                  <Took fromUs={each.started_us} toUs={each.finished_us} />
                </td>
                <td className={css.wide}>{each.error && brief(`${exceptionName(each.error.type)}: ${each.error.message}`)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Part>
  );
}

/** In full it stands above. */
function brief(text: string): string {
  const { start, isCut } = beginning(text);
  return isCut ? `${start.slice(0, 200)}…` : text;
}

/** A timeout and a loss are failures of an attempt. */
function iconOf(outcome: Attempt["outcome"]) {
  return outcome === "timed_out" || outcome === "lost" ? "failed" : outcome;
}

function Facts({ row }: { row: TaskRunDetail }) {
  const facts: [string, ReactNode][] = [
    ["Ready", row.ready_us ? <Time key="r" us={row.ready_us} form="moment" /> : null],
    ["Started", row.started_us ? <Time key="s" us={row.started_us} form="moment" /> : null],
    ["Finished", row.finished_us ? <Time key="f" us={row.finished_us} form="moment" /> : null],
    ["Due", row.due_us ? <Time key="d" us={row.due_us} form="moment" /> : null],
    ["Worker", row.worker ? <code key="w">{row.worker}</code> : null],
    ["Retries", row.retries ? `${Math.max(0, row.attempt - 1)} of ${row.retries} used` : null],
    ["Idempotency key", row.idempotency_key ? <code key="k">{row.idempotency_key}</code> : null],
  ];
  return (
    <Part title="Facts">
      <dl className={css.dl}>
        {facts.map(([name, value]) =>
          value === null ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
    </Part>
  );
}
