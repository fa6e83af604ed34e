/** System: servers, workers, the store, retention, and the files that cannot be loaded. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { asProblem } from "@/api/problem";
import { filesQuery, sessionQuery, systemQuery } from "@/api/queries";
import type { BrokenFile, ServerRow, System, WorkerRow } from "@/api/types";
import { Empty } from "@/design/empty";
import { Page, Section } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { PageSkeleton } from "@/design/skeleton";
import { Tag } from "@/design/tag";
import { Time, Took } from "@/design/time";
import { bytes, duration, plural, shortId, taskName } from "@/design/words";
import { Actions } from "@/system/actions";
import css from "./page.module.css";

const MOST_GONE = 20;

export function SystemPage() {
  const system = useQuery(systemQuery);
  const files = useQuery(filesQuery);
  const session = useQuery(sessionQuery);
  const broken = files.data?.items ?? [];
  return (
    <Page
      title="System"
      actions={<Actions />}
      note={session.data && `Toque ${session.data.server.version} · ${session.data.server.project}${session.data.server.profile && ` · profile ${session.data.server.profile}`}`}
    >
      {system.isPending && <PageSkeleton />}
      {system.error && !system.data && <ProblemBox problem={asProblem(system.error)} />}
      {broken.length > 0 && (
        <Section title="Broken files" note="Pipelines that loaded before run as they were then. Those of a file that never loaded are not there yet.">
          <ul className={css.files}>
            {broken.map((file) => (
              <FileTicket key={file.file} file={file} />
            ))}
          </ul>
        </Section>
      )}
      {system.data && <Facts system={system.data} isWhole={files.data !== undefined && broken.length === 0} />}
      {system.data && (
        <div className={css.sides}>
          <Section title="Servers" note={plural(system.data.servers.filter((server) => server.alive).length, "process", "processes")}>
            <Servers servers={system.data.servers} />
          </Section>
          <Section title="Workers" note={plural(system.data.workers.length, "process", "processes")}>
            {system.data.workers.length === 0 && (
              <Empty title="No worker is up">Workers start when a task is ready, and stay warm for the next.</Empty>
            )}
            <ul className={css.list}>
              {system.data.workers.map((worker) => (
                <WorkerLine key={worker.worker} worker={worker} />
              ))}
            </ul>
          </Section>
        </div>
      )}
    </Page>
  );
}

function FileTicket({ file }: { file: BrokenFile }) {
  return (
    <li className={css.file} id={file.file}>
      <code className={css.path}>{file.file}</code>
      <ul>
        {file.problems.map((problem) => (
          <li key={`${problem.line}:${problem.message}`}>
            <code>
              {problem.file || file.file}:{problem.line}
            </code>
            {problem.source && <code className={css.source}>{problem.source.trim()}</code>}
            <p>{problem.message}</p>
            {problem.fix && <p className={css.fix}>{problem.fix}</p>}
          </li>
        ))}
      </ul>
    </li>
  );
}

function Facts({ system, isWhole }: { system: System; isWhole: boolean }) {
  const { store, retention, totals } = system;
  return (
    <dl className={css.facts}>
      <Fact name="Store">
        {store.kind}, {bytes(store.size_bytes)} <small>schema {store.schema}</small>
      </Fact>
      <Fact name="A read takes">{store.latency_us < 1_000 ? `${store.latency_us} µs` : duration(store.latency_us)}</Fact>
      <Fact name="Pipelines">
        <Link to="/pipelines">{totals.pipelines.toLocaleString()}</Link>
        <small>{isWhole ? "all files load" : ""}</small>
      </Fact>
      <Fact name="Active runs">
        <Link to="/runs" search={{ state: "running,queued,suspended" }}>
          {totals.runs_active.toLocaleString()}
        </Link>
        <small>{totals.runs_queued > 0 ? `${totals.runs_queued.toLocaleString()} queued` : ""}</small>
      </Fact>
      <Fact name="Active task runs">{totals.task_runs_active.toLocaleString()}</Fact>
      <Fact name="Ended runs are kept">
        {retention.age_s > 0 ? plural(Math.round(retention.age_s / 86_400), "day") : "for ever"}
        <small>{retention.keep_last > 0 ? `and the last ${retention.keep_last} of each pipeline` : ""}</small>
      </Fact>
      <Fact name="Ended task runs">
        {totals.task_runs_ended.toLocaleString()}
        <small>
          {Object.entries(totals.runs_ended)
            .map(([state, count]) => `${plural(count, "run")} ${state}`)
            .join(", ")}
        </small>
      </Fact>
      {Object.entries(totals.counters).map(([name, count]) => (
        <Fact key={name} name={name.replaceAll("_", " ")}>
          {count.toLocaleString()}
        </Fact>
      ))}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Those that were killed are of interest while they hold runs; the others are folded, and the next start forgets them. */
export function Servers({ servers }: { servers: readonly ServerRow[] }) {
  const shown = servers.filter((server) => server.alive || server.active_runs > 0);
  const gone = servers.filter((server) => !shown.includes(server)).sort((a, b) => b.started_us - a.started_us);
  return (
    <>
      <ul className={css.list}>
        {shown.map((server) => (
          <ServerLine key={server.instance} server={server} />
        ))}
      </ul>
      {gone.length > 0 && (
        <details className={css.gone}>
          <summary>{gone.length === 1 ? "1 is gone" : `${gone.length.toLocaleString()} are gone`}, and held nothing</summary>
          <ul>
            {gone.slice(0, MOST_GONE).map((server) => (
              <ServerLine key={server.instance} server={server} />
            ))}
            {gone.length > MOST_GONE && <li className={css.quiet}>and {plural(gone.length - MOST_GONE, "older one")}</li>}
          </ul>
        </details>
      )}
    </>
  );
}

function ServerLine({ server }: { server: ServerRow }) {
  return (
    <li className={css.line}>
      <span className={css.lamp} data-up={server.alive}>
        {server.alive ? "up" : "gone"}
      </span>
      <span className={css.who}>
        {server.role} {server.this && <Tag>this one</Tag>}
        <small>
          <code title={server.instance}>{shortId(server.instance)}</code> · {server.host} · pid {server.pid} · boot {server.boot} ·{" "}
          {plural(server.active_runs, "active run")}
        </small>
      </span>
      <span className={css.quiet}>
        started <Time us={server.started_us} />
      </span>
    </li>
  );
}

function WorkerLine({ worker }: { worker: WorkerRow }) {
  return (
    <li className={css.line}>
      <span className={css.lamp} data-up={worker.state !== "dead"}>
        {worker.state}
      </span>
      <span className={css.who}>
        {worker.worker}
        <small>
          {worker.executor} · bundle <code title={worker.bundle}>{worker.bundle.slice(0, 10)}</code>
          {worker.environment && ` · ${worker.environment}`}
        </small>
        {worker.attempts.map((attempt) => (
          <small key={attempt.run_id + taskName(attempt.task, attempt.index)}>
            <Link to="/runs/$runId" params={{ runId: attempt.run_id }} search={{ task: attempt.task, index: attempt.index.join(".") }}>
              {taskName(attempt.task, attempt.index)}
            </Link>{" "}
            for <Took fromUs={attempt.since_us} toUs={0} />
          </small>
        ))}
      </span>
    </li>
  );
}
