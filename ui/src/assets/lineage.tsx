/** The lineage of tables: every asset, and what it is made from; tables unfold columns, whose path lights up across them. */

import { useQueries, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { asProblem } from "@/api/problem";
import type { AssetColumns, ColumnPaths } from "@/api/types";
import { along, linksOf, litOf, nearest, rowsOf, summaryOf } from "@/assets/column-path";
import { assetGraphQuery, columnPathQuery, columnsQuery } from "@/assets/queries";
import { drawn, STANDINGS, worstOf } from "@/assets/standing";
import { ProblemBox } from "@/design/problem-box";
import { PageSkeleton } from "@/design/skeleton";
import { plural } from "@/design/words";
import { GraphView } from "@/graph/graph-view";
import css from "./lineage.module.css";

interface LineageProps {
  selected: string;
  /** Full name of the column whose path is shown: `crm.Contact.Lead_Score__c`. */
  column: string;
}

export function Lineage({ selected, column }: LineageProps) {
  const navigate = useNavigate();
  const asked = useQuery(assetGraphQuery);
  const followed = useQuery(columnPathQuery(column));
  const [opened, setOpened] = useState<readonly string[]>([]);
  const columns = useQueries({ queries: opened.map(columnsQuery), combine: dataOf });
  const data = asked.data;
  const whole = column ? followed.data : undefined;
  const path = useMemo(() => nearest(whole), [whole]);
  const shown = useMemo(() => data && along(data, path), [data, path]);
  const edges = shown && JSON.stringify([shown.nodes.map(({ key, group }) => [key, group]), shown.edges]);
  // Asked again every few seconds: laid out again only when its shape changed.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const graph = useMemo(() => shown && drawn(shown), [edges]);
  const byKey = useMemo(() => new Map(shown?.nodes.map((node) => [node.key, node])), [shown]);
  const markOf = useCallback(
    (members: readonly string[]) => {
      const nodes = members.flatMap((member) => byKey.get(member) ?? []);
      const worst = STANDINGS[worstOf(nodes.map((node) => node.state))];
      return { state: worst.state, words: nodes.length === 1 ? (nodes[0]?.words ?? worst.word) : worst.word };
    },
    [byKey],
  );
  const lit = useMemo(() => litOf(path), [path]);
  const rows = useMemo(() => rowsOf(lit, columns), [lit, columns]);
  const links = useMemo(() => linksOf(path), [path]);
  const tables = useMemo(() => [...lit.keys()], [lit]);
  const follow = useCallback(
    (asset: string, name: string) => {
      const wanted = `${asset}.${name}`;
      // A second click on the column that is followed lets go of it.
      void navigate({ to: "/assets", search: { view: "lineage", column: wanted === column ? undefined : wanted, focus: asset } });
    },
    [navigate, column],
  );
  const toggle = useCallback(
    (asset: string) => setOpened((old) => (old.includes(asset) ? old.filter((each) => each !== asset) : [...old, asset])),
    [],
  );
  if (asked.error && !data) return <ProblemBox problem={asProblem(asked.error)} />;
  if (!graph) return <PageSkeleton />;
  return (
    <div className={css.room}>
      {followed.error && column && (
        <ProblemBox problem={asProblem(followed.error)}>
          <Link to="/assets" search={{ view: "lineage" }}>
            All tables
          </Link>
        </ProblemBox>
      )}
      {whole && <Followed path={whole} drawn={tables.length} />}
      <GraphView
        graph={graph}
        selected={selected || path?.column.asset || ""}
        critical={tables}
        markOf={markOf}
        unit="asset"
        select={(key) => void navigate({ to: "/assets/$key", params: { key } })}
        rows={rows}
        links={links}
        pickRow={follow}
        toggleRows={toggle}
        pathName={`where ${path?.column.column ?? ""} comes from and goes`}
      />
    </div>
  );
}

/** The same answers are the same array: rows are made anew only for new ones. */
function dataOf(results: readonly { data?: AssetColumns | undefined }[]): readonly AssetColumns[] {
  return results.flatMap(({ data }) => data ?? []);
}

/** The path in words, for those who cannot see lines, and to walk it by links. */
function Followed({ path, drawn: shown }: { path: ColumnPaths; drawn: number }) {
  const { asset, column } = path.column;
  const { columns, tables, ends, unknown } = summaryOf(path);
  return (
    <p className={css.followed} role="status">
      <strong>
        {asset}.{column}
      </strong>
      <span>
        {plural(columns, "column")} in {plural(tables, "table")}
        {unknown > 0 && `, ${unknown} unknown`}
        {shown < tables && `; the nearest ${shown} are drawn`}
      </span>
      {ends.length > 0 && (
        <span>
          from{" "}
          {ends.slice(0, 4).map((name, at) => (
            <span key={name}>
              {at > 0 && ", "}
              <Link to="/assets" search={{ view: "lineage", column: name }}>
                {name}
              </Link>
            </span>
          ))}
          {ends.length > 4 && ` and ${ends.length - 4} more`}
        </span>
      )}
      <Link to="/assets" search={{ view: "lineage", focus: asset }}>
        All tables
      </Link>
    </p>
  );
}
