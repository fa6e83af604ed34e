/** Connections: what tasks reach outside, who uses it, and whether it leads anywhere. */

import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useRef } from "react";
import { post, seg } from "@/api/client";
import { asProblem } from "@/api/problem";
import type { Connection, ConnectionTested } from "@/api/types";
import { useShortcut } from "@/app/keys";
import { useRows } from "@/app/rows";
import { ConnectionForm } from "@/connections/form";
import { connectionsQuery } from "@/connections/queries";
import { Button } from "@/design/button";
import { Empty } from "@/design/empty";
import { Icon } from "@/design/icon";
import { Page } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { said } from "@/design/said";
import { PageSkeleton } from "@/design/skeleton";
import { StateIcon, toneOf } from "@/design/state";
import { Tag } from "@/design/tag";
import { duration, plural, shortId, taskName } from "@/design/words";
import css from "./page.module.css";

const route = getRouteApi("/connections");
const FIRST = `# toque.toml
[connections.warehouse]
type = "duckdb"
path = "warehouse.duckdb"

# toque connections test`;
const SHOWN = 12;

export function ConnectionsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const asked = useQuery(connectionsQuery);
  const list = useRef<HTMLDivElement>(null);
  const items = asked.data?.items ?? [];
  const set = (next: typeof search) => void navigate({ search: next, replace: true });
  const { at } = useRows(
    items.length,
    (row) => set({ edit: items[row]?.name }),
    (row) => list.current?.children[row]?.scrollIntoView({ block: "nearest" }),
  );
  const edited = items.find((each) => each.name === search.edit) ?? null;
  return (
    <Page
      title="Connections"
      note={asked.data && plural(items.length, "connection")}
      actions={<Button onClick={() => set({ add: "postgresql" })}>Add a connection…</Button>}
    >
      {asked.isPending && <PageSkeleton />}
      {asked.error && !asked.data && <ProblemBox problem={asProblem(asked.error)} />}
      {asked.data && items.length === 0 && (
        <Empty title="No connection is declared" command={FIRST}>
          A connection names what tasks reach outside: a warehouse, a CRM, a channel to tell people. Secrets stay outside of the file.
        </Empty>
      )}
      <div className={css.cards} ref={list}>
        {items.map((each, row) => (
          <Card key={each.name} connection={each} current={row === at} edit={() => set({ edit: each.name })} />
        ))}
      </div>
      {(edited || search.add) && (
        <ConnectionForm
          connection={edited}
          type={search.add ?? ""}
          choose={(add) => set({ add })}
          taken={items.map((each) => each.name)}
          close={() => set({})}
        />
      )}
    </Page>
  );
}

function Card({ connection, current, edit }: { connection: Connection; current: boolean; edit: () => void }) {
  const { name, file, line, title } = connection;
  const test = useMutation({ mutationFn: () => post<ConnectionTested>(`/connections/${seg(name)}/test`) });
  useShortcut("t", "Test the connection", () => test.mutate(), current && !test.isPending);
  return (
    <section className={css.card} aria-labelledby={`connection-${name}`} data-current={current}>
      <header className={css.head}>
        <h2 id={`connection-${name}`}>{name}</h2>
        <Tag>{title}</Tag>
        <span className={css.quiet}>{file ? `${file}${line ? `:${line}` : ""}` : "from the environment"}</span>
        <span className={css.do}>
          <Button onClick={edit} aria-label={`Change ${name}`}>
            Change…
          </Button>
          <Button onClick={() => test.mutate()} disabled={test.isPending} aria-label={`Test ${name}`}>
            <Icon name="play" /> {test.isPending ? "Testing" : "Test"}
          </Button>
        </span>
      </header>
      <Tried result={test.data} error={test.error} pending={test.isPending} />
      <Options connection={connection} />
      <Users connection={connection} />
    </section>
  );
}

function Tried({ result, error, pending }: { result: ConnectionTested | undefined; error: Error | null; pending: boolean }) {
  if (error) return <ProblemBox problem={asProblem(error)} />;
  if (pending) return <p className={css.tried} role="status">Reaching what it leads to…</p>;
  if (!result) return null;
  const state = ({ ok: "succeeded", failed: "failed", unknown: "skipped" } as const)[result.outcome];
  return (
    <div className={css.tried} role="status" data-tone={toneOf(state)} data-outcome={result.outcome}>
      <p>
        <StateIcon state={state} /> {said(result.message)}
        {result.outcome === "ok" && <span className={css.quiet}> in {duration(result.latency_us)}</span>}
      </p>
      {result.fix && <p className={css.fix}>{said(result.fix)}</p>}
    </div>
  );
}

function Options({ connection: { options, slots } }: { connection: Connection }) {
  if (options.length === 0 && slots === null) return null;
  return (
    <dl className={css.options}>
      {options.map(({ name, value, secret, resolves }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {secret ? (
              <>
                <code>{secret}</code>{" "}
                <span data-tone={resolves ? "succeeded" : "failed"} className={css.mark}>
                  <StateIcon state={resolves ? "succeeded" : "failed"} size={12} /> {resolves ? "secret, there" : "secret, not there"}
                </span>
              </>
            ) : (
              <code>{typeof value === "string" ? value : JSON.stringify(value)}</code>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Users({ connection }: { connection: Connection }) {
  const { used_by: pipelines, assets, told_of: told, slots, holders, waiters } = connection;
  const isUsed = pipelines.length + assets.length + told.length > 0;
  return (
    <dl className={css.users}>
      <div>
        <dt>Used by</dt>
        <dd>
          {!isUsed && <span className={css.quiet}>Nothing in the project names it.</span>}
          {pipelines.map(({ pipeline, tasks }) => (
            <Link key={pipeline} to="/pipelines/$name/$view" params={{ name: pipeline, view: "graph" }} search={{ task: tasks[0] }} title={tasks.join(", ")}>
              {pipeline} <span className={css.quiet}>{plural(tasks.length, "task")}</span>
            </Link>
          ))}
          {told.length > 0 && <span>Is told of {told.join(", ")}</span>}
        </dd>
      </div>
      {assets.length > 0 && (
        <div>
          <dt>Assets in it</dt>
          <dd>
            {assets.slice(0, SHOWN).map((key) => (
              <Link key={key} to="/assets/$key" params={{ key }}>
                {key}
              </Link>
            ))}
            {assets.length > SHOWN && (
              <Link to="/assets" search={{ search: connection.name }}>
                all {assets.length}
              </Link>
            )}
          </dd>
        </div>
      )}
      {slots !== null && (
        <div>
          <dt>Slots</dt>
          <dd>
            <Link to="/pools">
              {holders.reduce((sum, each) => sum + each.slots, 0)} of {slots} in use
            </Link>
            {holders.slice(0, SHOWN).map((seat) => (
              <Link key={seat.run_id + taskName(seat.task, seat.index)} to="/runs/$runId" params={{ runId: seat.run_id }} search={{ task: seat.task, index: seat.index.join(".") }}>
                {taskName(seat.task, seat.index)} <code title={seat.run_id}>{shortId(seat.run_id)}</code>
              </Link>
            ))}
            {waiters.length > 0 && <span>{waiters.length} waiting</span>}
          </dd>
        </div>
      )}
    </dl>
  );
}
