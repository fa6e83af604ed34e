/** A backfill of assets, slice by slice: where each stands, what failed and why. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { get, seg } from "@/api/client";
import { asProblem } from "@/api/problem";
import type { Backfill, BackfillMatrix, BackfillSlice, Page } from "@/api/types";
import { RUNS } from "@/assets/matrix-looks";
import { Matrix, type Brushed } from "@/assets/matrix";
import { ProblemBox } from "@/design/problem-box";
import { Skeleton } from "@/design/skeleton";
import css from "./page.module.css";

const REFRESH_MS = 2_000;
const SHOWN = 100;

export function BackfillDetail({ backfill }: { backfill: Backfill }) {
  const every = backfill.state === "running" ? REFRESH_MS : false;
  const path = `/backfills/${seg(backfill.id)}`;
  const version = [backfill.state, backfill.started, backfill.succeeded, backfill.failed, backfill.rounds];
  const matrix = useQuery({
    queryKey: ["backfill-matrix", backfill.id, ...version],
    queryFn: ({ signal }) => get<BackfillMatrix>(`${path}/matrix`, {}, signal),
    refetchInterval: every,
    placeholderData: keepPreviousData,
  });
  const failed = useQuery({
    queryKey: ["backfill-failed", backfill.id, ...version],
    queryFn: ({ signal }) => get<Page<BackfillSlice>>(`${path}/slices`, { state: "failed", limit: SHOWN }, signal),
    placeholderData: keepPreviousData,
  });
  return (
    <div className={css.detail}>
      {matrix.error && !matrix.data && <ProblemBox problem={asProblem(matrix.error)} />}
      {matrix.isPending && <Skeleton rows={3} />}
      {matrix.data?.stages.map((stage, at) =>
        stage.rows.map((row) => <Row key={`${at}-${row.asset}`} asset={row.asset} keys={stage.keys} cells={row.cells} />),
      )}
      {failed.data && failed.data.items.length > 0 && (
        <table className={css.failed}>
          <caption>What failed</caption>
          <tbody>
            {failed.data.items.map((slice) => (
              <tr key={slice.n}>
                <th scope="row">
                  {slice.run_id ? (
                    <Link to="/runs/$runId" params={{ runId: slice.run_id }}>
                      {slice.partition || "the whole"}
                    </Link>
                  ) : (
                    slice.partition || "the whole"
                  )}
                </th>
                <td>{slice.error}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

function Row({ asset, keys, cells }: { asset: string; keys: readonly string[]; cells: string }) {
  const [chosen, setChosen] = useState<Brushed | null>(null);
  return (
    <section className={css.stage} aria-label={asset}>
      <h3>
        <Link to="/assets/$key" params={{ key: asset }}>
          {asset}
        </Link>
      </h3>
      <Matrix states={{ keys, cells, across: [] }} chosen={chosen} choose={setChosen} looks={RUNS} label={`Slices of ${asset}`} />
    </section>
  );
}
