/** One slice: whether it is fresh, the run that made it, and what it is made from. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { asProblem } from "@/api/problem";
import type { AssetSlice } from "@/api/types";
import { StandingMark } from "@/assets/marks";
import { sliceQuery } from "@/assets/queries";
import { ProblemBox } from "@/design/problem-box";
import { Skeleton } from "@/design/skeleton";
import { Time } from "@/design/time";
import { bytes, plural, shortId } from "@/design/words";
import css from "./asset.module.css";

export function SliceCard({ asset, partition, title }: { asset: string; partition: string; title: string }) {
  const slice = useQuery(sliceQuery(asset, partition));
  return (
    <section className={css.card} aria-label={partition ? `Partition ${partition}` : title}>
      {partition ? <h3>{title}</h3> : <h2>{title}</h2>}
      {slice.error && !slice.data && <ProblemBox problem={asProblem(slice.error)} />}
      {slice.isPending && <Skeleton rows={2} />}
      {slice.data && <Told slice={slice.data} />}
    </section>
  );
}

function Told({ slice }: { slice: AssetSlice }) {
  return (
    <>
      <p className={css.facts}>
        <StandingMark standing={slice.state} />
        {slice.why.length > 0 && slice.state !== "missing" && <span>{slice.why.join(", ")}</span>}
        {slice.failing_checks.map(({ check, severity }) => (
          <span key={check}>
            {check} ({severity})
          </span>
        ))}
      </p>
      {slice.run_id && (
        <p className={css.facts}>
          <Link to="/runs/$runId" params={{ runId: slice.run_id }} search={{ task: slice.task }}>
            {slice.pipeline} <code title={slice.run_id}>{shortId(slice.run_id)}</code>
          </Link>
          <Time us={slice.materialized_us} />
          {slice.rows !== null && <span>{plural(slice.rows, "row")}</span>}
          {slice.size_bytes !== null && <span>{bytes(slice.size_bytes)}</span>}
        </p>
      )}
      <ul className={css.plain}>
        {slice.sources.map((source) => (
          <li key={source.asset}>
            from{" "}
            <Link to="/assets/$key" params={{ key: source.asset }} search={source.first ? { partition: source.first } : {}}>
              {source.asset}
            </Link>{" "}
            {source.first && (
              <code>
                {source.first}
                {source.count > 1 && ` … ${source.last}`}
              </code>
            )}{" "}
            <span className={css.none}>
              {source.count > 1 && `${source.count.toLocaleString()} partitions, `}
              {source.changed_us ? (
                <>
                  changed <Time us={source.changed_us} />
                </>
              ) : (
                "never made"
              )}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
