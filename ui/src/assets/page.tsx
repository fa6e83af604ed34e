/** All assets: what is fresh, what fails, who owns it; as a list, or as the lineage of tables. */

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useTopic } from "@/api/live";
import { asProblem } from "@/api/problem";
import type { AssetSummary } from "@/api/types";
import { assetsQuery } from "@/assets/queries";
import { chosen, reasonOf, standingOf, STANDINGS, valuesOf } from "@/assets/standing";
import { AgeMark, SlicesBar, StandingMark } from "@/assets/marks";
import { Empty } from "@/design/empty";
import { SearchField, SelectField, Toggle } from "@/design/field";
import { later } from "@/design/later";
import { Page } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { PageSkeleton } from "@/design/skeleton";
import { Time } from "@/design/time";
import { VirtualTable, type Column } from "@/design/virtual-table";
import { plainText, plural } from "@/design/words";
import css from "./assets.module.css";

const Lineage = later(() => import("@/assets/lineage").then((module) => module.Lineage), <PageSkeleton />);

const route = getRouteApi("/assets");

const FIRST = `from toque import asset

@asset
def orders() -> list[dict]:
    """All orders."""
    return [{"id": 1, "amount": 20}]

# toque materialize orders`;

export function AssetsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  useTopic("assets");
  const assets = useQuery(assetsQuery);
  const all = assets.data?.items ?? [];
  const shown = chosen(all, search);
  const isLineage = search.view === "lineage";
  const set = (change: Partial<typeof search>) => void navigate({ search: (old) => ({ ...old, ...change }), replace: true });
  const tools = (
    <>
      <nav className={css.views} aria-label="Views of the assets">
        <Link to="/assets" search={(old) => ({ ...old, view: undefined })} activeOptions={{ exact: true }}>
          List
        </Link>
        <Link to="/assets" search={(old) => ({ ...old, view: "lineage" })} activeOptions={{ exact: true }}>
          Lineage
        </Link>
      </nav>
      {!isLineage && <Filters all={all} search={search} set={set} />}
    </>
  );
  return (
    <Page
      title="Assets"
      note={assets.data && (shown.length === all.length || isLineage ? plural(all.length, "asset") : `${shown.length} of ${all.length}`)}
      tools={tools}
      fixed
    >
      {assets.isPending && <PageSkeleton />}
      {assets.error && !assets.data && <ProblemBox problem={asProblem(assets.error)} />}
      {assets.data && all.length === 0 && (
        <Empty title="This project declares no assets yet" command={FIRST}>
          An asset is data with a key: a function says how it is made, its parameters name what it is made from.
        </Empty>
      )}
      {all.length > 0 && isLineage && <Lineage selected={search.focus ?? ""} column={search.column ?? ""} />}
      {all.length > 0 && !isLineage && shown.length === 0 && (
        <Empty title="No asset fits these filters">
          <Link to="/assets">Show all {all.length}</Link>
        </Empty>
      )}
      {shown.length > 0 && !isLineage && (
        <VirtualTable
          label="Assets"
          columns={COLUMNS}
          rows={shown}
          rowHeight={52}
          keyOf={(asset) => asset.key}
          open={(asset) => void navigate({ to: "/assets/$key", params: { key: asset.key } })}
        />
      )}
    </Page>
  );
}

type Search = ReturnType<typeof route.useSearch>;

function Filters({ all, search, set }: { all: readonly AssetSummary[]; search: Search; set: (change: Partial<Search>) => void }) {
  const groups = valuesOf(all, (asset) => asset.group);
  const owners = valuesOf(all, (asset) => asset.owner);
  return (
    <>
      <SearchField label="Search assets" value={search.search ?? ""} change={(value) => set({ search: value })} />
      <SelectField
        label="Group"
        value={search.group ?? ""}
        change={(group) => set({ group })}
        options={[{ value: "", text: "Any group" }, ...groups.map((group) => ({ value: group, text: group }))]}
      />
      <SelectField
        label="Owner"
        value={search.owner ?? ""}
        change={(owner) => set({ owner })}
        options={[{ value: "", text: "Any owner" }, ...owners.map((owner) => ({ value: owner, text: owner }))]}
      />
      <span className={css.shows}>
        {(["stale", "failing", "missing"] as const).map((each) => (
          <Toggle key={each} on={search.show === each} change={(on) => set({ show: on ? each : "" })}>
            {STANDINGS[each].word}
          </Toggle>
        ))}
        <Toggle on={search.show === "overdue"} change={(on) => set({ show: on ? "overdue" : "" })}>
          overdue
        </Toggle>
      </span>
    </>
  );
}

const COLUMNS: readonly Column<AssetSummary>[] = [
  { id: "key", head: "Asset", width: "minmax(10rem, 2.4fr)", cell: (asset) => <Name asset={asset} /> },
  { id: "group", head: "Group", width: "minmax(4rem, 0.7fr)", wide: true, cell: ({ group }) => group || "–" },
  { id: "standing", head: "Freshness", width: "minmax(7rem, 1.3fr)", cell: (asset) => <Freshness asset={asset} /> },
  { id: "made", head: "Made", width: "6.5rem", wide: true, cell: (asset) => <Made asset={asset} /> },
  { id: "rows", head: "Rows", width: "6rem", wide: true, right: true, cell: ({ last }) => last?.rows?.toLocaleString() ?? "–" },
  { id: "slices", head: "Partitions", width: "9rem", wide: true, cell: (asset) => <SlicesBar asset={asset} /> },
  { id: "owner", head: "Owner", width: "minmax(4rem, 0.6fr)", wide: true, cell: ({ owner }) => owner || "–" },
];

function Name({ asset }: { asset: AssetSummary }) {
  return (
    <>
      <span className={css.name}>
        <Link to="/assets/$key" params={{ key: asset.key }}>
          {asset.key}
        </Link>
      </span>
      <span className={css.doc} title={plainText(asset.doc)}>
        {plainText(asset.doc) || (asset.upstream.length ? `from ${asset.upstream.join(", ")}` : asset.external ? "made by something else" : asset.io)}
      </span>
    </>
  );
}

function Freshness({ asset }: { asset: AssetSummary }) {
  const standing = standingOf(asset);
  const reason = reasonOf(asset);
  return (
    <>
      <span className={css.marks}>
        <StandingMark standing={standing} />
        <AgeMark freshness={asset.freshness} />
      </span>
      {reason && standing !== "missing" && (
        <span className={css.doc} title={reason}>
          {reason}
        </span>
      )}
    </>
  );
}

function Made({ asset: { last } }: { asset: AssetSummary }) {
  if (!last?.materialized_us) return <span className={css.quiet}>–</span>;
  if (!last.run_id) return <Time us={last.materialized_us} />;
  return (
    <Link to="/runs/$runId" params={{ runId: last.run_id }} search={{ task: last.task }} className={css.quiet}>
      <Time us={last.materialized_us} />
    </Link>
  );
}
