/** One sync: what it sends where, its runs, what became of each record, and what the next one would do. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { post, seg } from "@/api/client";
import { useTopic } from "@/api/live";
import { asProblem } from "@/api/problem";
import type { Run, Sync, SyncRun } from "@/api/types";
import { useShortcut } from "@/app/keys";
import { Button } from "@/design/button";
import { Icon } from "@/design/icon";
import { Page, Section } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { PageSkeleton } from "@/design/skeleton";
import { StateIcon } from "@/design/state";
import { Time } from "@/design/time";
import { plural, shortId } from "@/design/words";
import { Foreseen } from "@/syncs/foreseen";
import { syncQuery } from "@/syncs/queries";
import { RecordsOf } from "@/syncs/records";
import { effectOf } from "@/syncs/words";
import css from "./syncs.module.css";

export interface SyncSearch {
  run?: string;
  status?: string;
  search?: string;
  preview?: string;
}

export function SyncPage() {
  const { key = "" } = useParams({ strict: false });
  const cache = useQueryClient();
  // What a sync did is told of the asset that it writes.
  useTopic(`asset:${key}`, (frame) => {
    if (frame.kind === "asset_events" || frame.kind === "reset") void cache.invalidateQueries({ queryKey: ["sync", key] });
  });
  const sync = useQuery(syncQuery(key));
  if (sync.error && !sync.data) {
    return (
      <Page title={key}>
        <ProblemBox problem={asProblem(sync.error)}>
          <Link to="/syncs">All syncs</Link>
        </ProblemBox>
      </Page>
    );
  }
  if (!sync.data) return <PageSkeleton />;
  return <Loaded key={key} sync={sync.data} />;
}

function Loaded({ sync }: { sync: Sync }) {
  const search = useSearch({ strict: false }) as SyncSearch;
  const navigate = useNavigate();
  const go = (next: SyncSearch) =>
    void navigate({ to: "/syncs/$key", params: { key: sync.name }, search: (old: SyncSearch) => ({ ...old, ...next }), replace: true, resetScroll: false });
  const foresee = useMutation({
    mutationFn: () => post<Run>(`/syncs/${seg(sync.name)}/preview`),
    onSuccess: (run) => go({ preview: run.run_id }),
  });
  useShortcut("d", "Dry run of the sync", () => foresee.mutate(), !foresee.isPending);
  const place = sync.places[0];
  const shown = sync.runs.find((run) => run.run_id === search.run) ?? sync.runs[0];
  return (
    <Page
      title={sync.name}
      note={`${sync.mode} from ${sync.source}`}
      actions={
        <>
          <Link to="/assets/$key" params={{ key: sync.name }} className={css.action}>
            Asset
          </Link>
          <Button onClick={() => foresee.mutate()} disabled={foresee.isPending}>
            <Icon name="play" /> {foresee.isPending ? "Starting" : "Dry run"}
          </Button>
        </>
      }
    >
      {foresee.error && <ProblemBox problem={asProblem(foresee.error)} />}
      {search.preview && place && <Foreseen runId={search.preview} task={place.task} close={() => go({ preview: "" })} />}
      <Facts sync={sync} />
      <Runs sync={sync} shown={shown} choose={(run) => go({ run: run.run_id, status: "", search: "" })} />
      {shown && <RecordsOf key={shown.run_id} run={shown} status={search.status ?? ""} search={search.search ?? ""} go={go} />}
    </Page>
  );
}

function Facts({ sync }: { sync: Sync }) {
  return (
    <dl className={css.facts}>
      <div>
        <dt>Reads</dt>
        <dd>
          <Link to="/assets/$key" params={{ key: sync.source }}>
            {sync.source}
          </Link>
        </dd>
      </div>
      <div>
        <dt>Finds a record by</dt>
        <dd>
          <code>{sync.key.join(", ")}</code>
        </dd>
      </div>
      <div>
        <dt>Sends</dt>
        <dd className={css.fields}>
          {Object.entries(sync.fields).map(([column, field]) => (
            <span key={column}>
              <code>{column}</code> → <code>{field}</code>
            </span>
          ))}
        </dd>
      </div>
      <div>
        <dt>A row that is gone</dt>
        <dd>{{ keep: "leaves its record as it is", clear: "empties the fields of its record", delete: "deletes its record" }[sync.on_delete]}</dd>
      </div>
      <div>
        <dt>Runs in</dt>
        <dd>
          {sync.places.map(({ pipeline, task }) => (
            <Link key={pipeline + task} to="/pipelines/$name/$view" params={{ name: pipeline, view: "graph" }} search={{ task }}>
              {pipeline}
            </Link>
          ))}
          {sync.tolerate > 0 && <span className={css.from}> tolerates {sync.tolerate < 1 ? `${100 * sync.tolerate} %` : sync.tolerate} of rejects</span>}
        </dd>
      </div>
    </dl>
  );
}

function Runs({ sync, shown, choose }: { sync: Sync; shown: SyncRun | undefined; choose: (run: SyncRun) => void }) {
  return (
    <Section title="Runs" note={sync.runs.length > 0 && `the last ${sync.runs.length}`}>
      {sync.runs.length === 0 && <p className={css.none}>It never ran. A dry run says what it would do.</p>}
      {sync.runs.length > 0 && (
        <div className={css.scroll} tabIndex={0} role="region" aria-label="Runs of the sync">
          <table className={css.table}>
            <thead>
              <tr>
                {["Run", "When", "Effect", "Rows", "Unchanged", "Unusual"].map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {sync.runs.map((run) => (
                <tr key={run.run_id + run.attempt} data-current={run === shown}>
                  <td>
                    <Link to="/runs/$runId" params={{ runId: run.run_id }} search={{ task: run.task }}>
                      <code title={run.run_id}>{shortId(run.run_id)}</code>
                    </Link>
                  </td>
                  <td>
                    <Time us={run.at_us} />
                  </td>
                  <td>
                    <button type="button" className={css.choose} aria-pressed={run === shown} onClick={() => choose(run)}>
                      {run.rejected + run.invalid > 0 && <StateIcon state="retrying" />} {effectOf(run)}
                    </button>
                  </td>
                  <td data-right="true">{run.rows.toLocaleString()}</td>
                  <td data-right="true">{run.unchanged.toLocaleString()}</td>
                  <td>{run.deviations.map((each) => each.message).join("; ") || "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {shown && shown.rejects.length > 0 && <Rejects run={shown} />}
    </Section>
  );
}

function Rejects({ run }: { run: SyncRun }) {
  const lost = run.rejected + run.invalid;
  return (
    <div className={css.rejects}>
      <h3>{plural(lost, "record")} did not arrive</h3>
      <ul>
        {run.rejects.map((each, at) => (
          <li key={at}>
            <b>{each.status}</b> {each.reason} <code>{JSON.stringify(each.record)}</code>
          </li>
        ))}
      </ul>
      <p className={css.from}>They are sent again by each run until they are accepted.</p>
    </div>
  );
}
