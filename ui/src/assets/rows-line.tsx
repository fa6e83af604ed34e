/** How many rows the last materializations had, as a line. */

import { useInfiniteQuery } from "@tanstack/react-query";
import { eventsQuery } from "@/assets/queries";
import { figure, linePath } from "@/values/plot";
import css from "./asset.module.css";

const [WIDTH, HEIGHT] = [120, 24];

export function RowsLine({ asset }: { asset: string }) {
  const events = useInfiniteQuery(eventsQuery(asset, "materialized", ""));
  const rows = (events.data?.pages[0]?.items ?? []).flatMap((event) => (event.rows === null ? [] : [event.rows])).reverse();
  if (rows.length < 2) return null;
  const words = `Rows of the last ${rows.length}: ${figure(Math.min(...rows))} to ${figure(Math.max(...rows))}`;
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} role="img" aria-label={words} className={css.line}>
      <title>{words}</title>
      <path d={linePath(rows.map((value, at) => [at, value] as const), WIDTH, HEIGHT)} fill="none" stroke="var(--running)" strokeWidth="1.500" />
    </svg>
  );
}
