import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ACTIVE, runsQuery } from "@/api/queries";
import { Section } from "@/design/page";
import { Skeleton } from "@/design/skeleton";
import { StateMark } from "@/design/state";
import { Took } from "@/design/time";
import { plural, runTitle, shortId } from "@/design/words";
import css from "./page.module.css";

const SHOWN = 10;

export function Running() {
  const runs = useQuery(runsQuery(ACTIVE));
  const items = runs.data?.items ?? [];
  return (
    <Section title="Now" note={items.length > 0 && plural(items.length, "active run")}>
      {runs.isPending && (
        <div className={css.rows}>
          <Skeleton rows={2} />
        </div>
      )}
      {runs.data && items.length === 0 && <p className={css.more}>Nothing runs.</p>}
      <div className={css.rows} hidden={items.length === 0}>
        {items.slice(0, SHOWN).map((run) => (
          <Link key={run.run_id} to="/runs/$runId" params={{ runId: run.run_id }} className={css.row}>
            <StateMark state={run.state} quiet />
            <span className={css.name}>
              {runTitle(run)} <code title={run.run_id}>{shortId(run.run_id)}</code>
            </span>
            <span className={css.quiet}>
              {run.cancel_requested ? "cancelling" : run.trigger} · <Took fromUs={run.started_us || run.created_us} toUs={0} />
            </span>
          </Link>
        ))}
      </div>
      {items.length > SHOWN && (
        <Link to="/runs" search={{ state: "running,queued,suspended" }} className={css.more}>
          All active runs
        </Link>
      )}
    </Section>
  );
}
