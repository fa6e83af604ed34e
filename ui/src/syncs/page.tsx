/** Syncs: what is sent to systems outside, and what became of it. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useTopic } from "@/api/live";
import { asProblem } from "@/api/problem";
import type { Sync } from "@/api/types";
import { Empty } from "@/design/empty";
import { Page } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { PageSkeleton } from "@/design/skeleton";
import { StateIcon, toneOf } from "@/design/state";
import { Time } from "@/design/time";
import { VirtualTable, type Column } from "@/design/virtual-table";
import { plural } from "@/design/words";
import { Strip } from "@/syncs/strip";
import { syncsQuery } from "@/syncs/queries";
import { effectOf } from "@/syncs/words";
import css from "./syncs.module.css";

const FIRST = `crm, warehouse = Salesforce("crm"), Warehouse("warehouse")
scores = sync(warehouse.table("marts.scores"), into=crm.object("Contact"),
              mode=Update("Id"), fields={"lead_score": "Lead_Score__c"})
revops = pipeline("revops", assets=[scores])

# toque run revops.py`;

export function SyncsPage() {
  const navigate = useNavigate();
  const cache = useQueryClient();
  const syncs = useQuery(syncsQuery);
  const items = syncs.data?.items ?? [];
  // What a sync did is told of the asset that it writes.
  useTopic("assets", ({ kind, data }) => {
    const told = new Set((data as { key?: string }[]).map((row) => row.key));
    if (kind === "reset" || items.some((sync) => told.has(sync.name))) void cache.invalidateQueries({ queryKey: ["syncs"] });
  });
  return (
    <Page title="Syncs" note={syncs.data && plural(items.length, "sync")} fixed>
      {syncs.isPending && <PageSkeleton />}
      {syncs.error && !syncs.data && <ProblemBox problem={asProblem(syncs.error)} />}
      {syncs.data && items.length === 0 && (
        <Empty title="This project sends nothing yet" command={FIRST}>
          A sync sends the rows of a table that changed to a system outside, and remembers what was acknowledged.
        </Empty>
      )}
      {items.length > 0 && (
        <VirtualTable
          label="Syncs"
          columns={COLUMNS}
          rows={items}
          rowHeight={56}
          keyOf={(sync) => sync.name}
          open={(sync) => void navigate({ to: "/syncs/$key", params: { key: sync.name } })}
        />
      )}
    </Page>
  );
}

const COLUMNS: readonly Column<Sync>[] = [
  { id: "name", head: "Sync", width: "minmax(10rem, 2fr)", cell: (sync) => <Name sync={sync} /> },
  { id: "last", head: "Last", width: "minmax(11rem, 2fr)", cell: (sync) => <Last sync={sync} /> },
  { id: "when", head: "When", width: "6rem", wide: true, cell: ({ runs: [run] }) => (run ? <Time us={run.at_us} /> : "–") },
  { id: "rows", head: "Rows", width: "6rem", wide: true, right: true, cell: ({ runs: [run] }) => run?.rows.toLocaleString() ?? "–" },
  { id: "strip", head: "Sent", width: "8rem", wide: true, cell: ({ runs }) => <Strip runs={runs} /> },
];

function Name({ sync }: { sync: Sync }) {
  return (
    <>
      <span className={css.name}>
        <Link to="/syncs/$key" params={{ key: sync.name }}>
          {sync.name}
        </Link>
      </span>
      <span className={css.from}>
        {sync.mode} from {sync.source}
      </span>
    </>
  );
}

function Last({ sync: { runs } }: { sync: Sync }) {
  const run = runs[0];
  if (!run) return <span className={css.from}>never ran</span>;
  const lost = run.rejected + run.invalid;
  const state = run.deviations.some((each) => each.severity === "stop") ? "failed" : lost || run.deviations.length ? "retrying" : "succeeded";
  return (
    <>
      <span className={css.effect} data-tone={toneOf(state)}>
        <StateIcon state={state} /> {effectOf(run)}
      </span>
      {run.deviations[0] && <span className={css.from}>{run.deviations[0].message}</span>}
    </>
  );
}
