/** Pools: who holds the slots of each limit, and who waits for them. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { asProblem } from "@/api/problem";
import { poolsQuery } from "@/api/queries";
import type { Pool, PoolUser } from "@/api/types";
import { Empty } from "@/design/empty";
import { Page } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { PageSkeleton } from "@/design/skeleton";
import { Time } from "@/design/time";
import { plural, shortId, taskName } from "@/design/words";
import css from "./page.module.css";

const SHOWN = 50;

export function PoolsPage() {
  const pools = useQuery(poolsQuery);
  const items = [...(pools.data?.items ?? [])].sort((a, b) => b.waiters.length - a.waiters.length || (a.pool < b.pool ? -1 : 1));
  const waiting = items.reduce((sum, pool) => sum + pool.waiters.length, 0);
  return (
    <Page title="Pools" note={pools.data && `${plural(items.length, "pool")}${waiting ? ` · ${waiting} waiting` : ""}`}>
      {pools.isPending && <PageSkeleton />}
      {pools.error && !pools.data && <ProblemBox problem={asProblem(pools.error)} />}
      {pools.data && items.length === 0 && (
        <Empty title="No pool is declared">
          A pool bounds how much runs at once against one thing, over all runs. Declare it in <code>toque.toml</code> below{" "}
          <code>[pools]</code>, and name it in <code>@task(pool=…)</code>.
        </Empty>
      )}
      <div className={css.pools}>
        {items.map((pool) => (
          <PoolCard key={pool.pool} pool={pool} />
        ))}
      </div>
    </Page>
  );
}

function PoolCard({ pool }: { pool: Pool }) {
  const isFull = pool.used >= pool.limit;
  return (
    <section className={css.pool} aria-labelledby={`pool-${pool.pool}`}>
      <header className={css.head}>
        <h2 id={`pool-${pool.pool}`}>{pool.pool}</h2>
        <span>
          {pool.used} of {plural(pool.limit, "slot")}
          {isFull && pool.limit > 0 && <b> full</b>}
        </span>
      </header>
      <Slots pool={pool} />
      <div className={css.sides}>
        <Seats title="Holding" seats={pool.holders} none="Nobody: all slots are free." />
        <Seats title="Waiting" seats={pool.waiters} none="Nobody." />
      </div>
    </section>
  );
}

/** One box for each slot while they can be counted by eye, a bar beyond. */
function Slots({ pool }: { pool: Pool }) {
  const words = `${pool.used} of ${pool.limit} slots in use`;
  if (pool.limit > 64) return <progress className={css.bar} max={pool.limit} value={pool.used} aria-label={words} />;
  return (
    <div className={css.slots} role="img" aria-label={words}>
      {Array.from({ length: pool.limit }, (_, at) => (
        <i key={at} data-used={at < pool.used} />
      ))}
    </div>
  );
}

function Seats({ title, seats, none }: { title: string; seats: readonly PoolUser[]; none: string }) {
  return (
    <div>
      <h3>{title}</h3>
      {seats.length === 0 && <p className={css.none}>{none}</p>}
      <ol>
        {seats.slice(0, SHOWN).map((seat) => (
          <li key={seat.run_id + taskName(seat.task, seat.index)} className={css.seat}>
            <Link to="/runs/$runId" params={{ runId: seat.run_id }} search={seat.task ? { task: seat.task, index: seat.index.join(".") } : {}}>
              {seat.task ? taskName(seat.task, seat.index) : "the run"} <code title={seat.run_id}>{shortId(seat.run_id)}</code>
            </Link>
            <span>
              {seat.slots > 1 && `${seat.slots} slots · `}
              <Time us={seat.since_us} />
            </span>
          </li>
        ))}
        {seats.length > SHOWN && <li className={css.none}>and {plural(seats.length - SHOWN, "more", "more")}</li>}
      </ol>
    </div>
  );
}
