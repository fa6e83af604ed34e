import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { pipelinesQuery, upcomingQuery } from "@/api/queries";
import { Empty } from "@/design/empty";
import { Section } from "@/design/page";
import { Skeleton } from "@/design/skeleton";
import { Time, useNowUs } from "@/design/time";
import { pipelineOf, scheduleOf } from "@/design/words";
import { idleSchedules } from "@/home/idle";
import { soonest } from "@/home/soonest";
import css from "./page.module.css";

const SHOWN = 8;

export function NextUp() {
  const ticks = useQuery(upcomingQuery(SHOWN));
  const pipelines = useQuery(pipelinesQuery());
  const nowUs = useNowUs(15);
  const items = soonest(ticks.data?.items ?? [], pipelines.data?.items ?? [], nowUs).slice(0, SHOWN);
  return (
    <Section
      title="Next up"
      note={
        items.length > 0 && (
          <Link to="/day" search={{}}>
            the day
          </Link>
        )
      }
    >
      {ticks.isPending && (
        <div className={css.rows}>
          <Skeleton rows={4} />
        </div>
      )}
      {ticks.data && items.length === 0 && <Nothing />}
      <div className={css.rows} hidden={items.length === 0}>
        {items.map((tick) => (
          <Link
            key={tick.schedule}
            to="/pipelines/$name/$view"
            params={{ name: pipelineOf(tick.schedule), view: "schedules" }}
            className={css.row}
          >
            <span className={css.quiet}>
              <Time us={tick.at_us} form="clock" />
            </span>
            <span className={css.name}>
              {pipelineOf(tick.schedule)} <span className={css.quiet}>{scheduleOf(tick.schedule)}</span>
            </span>
            <span className={css.quiet}>
              <Time us={tick.at_us} />
            </span>
          </Link>
        ))}
      </div>
    </Section>
  );
}

/** Why nothing is next: there is no schedule, they are paused, or none of them fires soon. */
function Nothing() {
  const pipelines = useQuery(pipelinesQuery());
  if (!pipelines.data) return null;
  const idle = idleSchedules(pipelines.data.items);
  if (idle.count > 0)
    return (
      <Empty title={idle.title} {...(idle.paused ? { command: `toque schedule unpause ${idle.paused}` } : {})}>
        {idle.paused ? "Nothing starts by a paused schedule until it is resumed, here or in a terminal:" : idle.words}
      </Empty>
    );
  return (
    <Empty title="No schedule fires in the next day" command='toque schedule preview "0 7 * * 1-5"'>
      Give a pipeline a schedule with <code>{'@pipeline(schedule=Cron("0 7 * * 1-5"))'}</code>; this says what a rule means:
    </Empty>
  );
}
