/** The columns of an asset: type, meaning and checks of each, what it is made of, and what is made of it. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { asProblem } from "@/api/problem";
import type { AssetDetail, ColumnDetail, ColumnRef } from "@/api/types";
import { columnsQuery } from "@/assets/queries";
import { Dotted } from "@/design/dotted";
import { Section } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { StateIcon } from "@/design/state";
import { plural } from "@/design/words";
import css from "./columns.module.css";

interface ColumnsProps {
  asset: AssetDetail;
  /** The one that the address names. */
  column: string;
}

export function Columns({ asset, column }: ColumnsProps) {
  const asked = useQuery(columnsQuery(asset.key));
  // Before their ways are known, the columns are.
  const columns = asked.data?.columns ?? asset.columns.map(bare);
  const problem = asked.data?.problem ?? "";
  if (columns.length === 0 && !asked.error) return null;
  const unknown = asked.data?.unknown_count ?? 0;
  return (
    <Section title="Columns" note={plural(columns.length, "column") + (unknown ? `, ${unknown} of unknown origin` : "")}>
      {asked.error && !asked.data && <ProblemBox problem={asProblem(asked.error)} />}
      <div className={css.room}>
        {problem && <p className={css.quiet}>Where they come from is unknown: {problem}.</p>}
        <table className={css.columns} aria-label="Columns" aria-busy={asked.isPending}>
          <thead>
            <tr>
              <th scope="col" className={css.what}>
                Column
              </th>
              <th scope="col" className={css.origin}>
                Made of
              </th>
              <th scope="col">Goes into</th>
            </tr>
          </thead>
          <tbody>
            {columns.map((each) => (
              <Row key={each.name} asset={asset} column={each} isNamed={each.name === column} problem={problem} />
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

function bare({ name, type }: { name: string; type: string }): ColumnDetail {
  return { name, type, doc: "", checks: [], made: [], upstream: [], downstream: [], unknown: "" };
}

function Row({ asset, column, isNamed, problem }: { asset: AssetDetail; column: ColumnDetail; isNamed: boolean; problem: string }) {
  const own = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (isNamed) own.current?.scrollIntoView({ block: "center" });
  }, [isNamed]);
  return (
    <tr ref={own} data-named={isNamed} aria-current={isNamed ? "true" : undefined}>
      <th scope="row">
        <Link to="/assets" search={{ view: "lineage", column: `${asset.key}.${column.name}` }} className={css.name} title="Follow it across tables">
          {column.name}
        </Link>{" "}
        <code>{column.type}</code>
        <Checks column={column} />
        {column.doc && <p className={css.quiet}>{column.doc}</p>}
      </th>
      <td>
        <Refs refs={column.upstream} />
        {column.made.map((made) => (
          <p className={css.quiet} key={`${made.via} ${made.by} ${made.expression}`}>
            {[made.via, made.by].filter(Boolean).join(" ")}{" "}
            {made.expression && <code className={css.sql}>{made.expression}</code>}
            {made.file && !isWhereItIs(asset, made) && <code>{made.line ? `${made.file}:${made.line}` : made.file}</code>}
          </p>
        ))}
        {column.unknown && column.unknown !== problem && <p className={css.quiet}>unknown: {column.unknown}</p>}
      </td>
      <td>
        <Refs refs={column.downstream} />
      </td>
    </tr>
  );
}

/** Said once for the asset, not for each of its columns. */
function isWhereItIs({ origin }: AssetDetail, made: ColumnDetail["made"][number]): boolean {
  return origin?.file === made.file && origin.line === made.line;
}

function Checks({ column: { checks } }: { column: ColumnDetail }) {
  return checks.map((check) => (
    <span key={check.check} className={css.check} title={check.passed ? `${check.check} holds` : `${check.check}: ${plural(check.failed_rows, "row")} failed`}>
      <StateIcon state={check.passed ? "succeeded" : check.severity === "warn" ? "retrying" : "failed"} />
      {check.check}
    </span>
  ));
}

function Refs({ refs }: { refs: readonly ColumnRef[] }) {
  return (
    <ul className={css.refs}>
      {refs.map(({ asset, column }) => (
        <li key={`${asset}.${column}`}>
          <Link to="/assets/$key" params={{ key: asset }} search={{ column }}>
            <Dotted name={`${asset}.${column}`} />
          </Link>
        </li>
      ))}
    </ul>
  );
}
