/** A day: what ran, what runs, and what will. Without a date the one around now, else from midnight to midnight. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { asProblem } from "@/api/problem";
import { dayQuery } from "@/api/queries";
import { useShortcut } from "@/app/keys";
import { Button } from "@/design/button";
import { Empty } from "@/design/empty";
import { SearchField } from "@/design/field";
import { Icon } from "@/design/icon";
import { Page } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { PageSkeleton } from "@/design/skeleton";
import { StateMark } from "@/design/state";
import { useNowUs } from "@/design/time";
import { plural } from "@/design/words";
import { aroundNow, dateOf, dayRange, isDate, shifted } from "@/day/lanes";
import { Timeline } from "@/day/timeline";
import css from "./page.module.css";

const route = getRouteApi("/day");
/** Runs come over the stream; what is planned moves on by itself. */
const REFRESH_MS = 60_000;

export function DayPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const nowUs = useNowUs(30);
  const today = dateOf(nowUs / 1_000);
  const isNow = !isDate(search.date);
  const date = isDate(search.date) ? search.date : today;
  const { fromUs, toUs } = isNow ? aroundNow(nowUs) : dayRange(date);
  const isLive = fromUs <= nowUs && nowUs < toUs;
  const day = useQuery({ ...dayQuery(fromUs, toUs), placeholderData: keepPreviousData, refetchInterval: isLive ? REFRESH_MS : false });
  const go = (to: string) => void navigate({ search: (old) => ({ ...old, date: to }), replace: true });
  useShortcut("[", "Day before", () => go(shifted(date, -1)));
  useShortcut("]", "Day after", () => go(shifted(date, 1)));
  useShortcut("t", "Around now", () => go(""));

  const wanted = (search.search ?? "").toLowerCase();
  const runs = day.data?.runs.filter((run) => run.pipeline.toLowerCase().includes(wanted)) ?? [];
  const ticks = day.data?.ticks.filter((tick) => tick.schedule.toLowerCase().includes(wanted)) ?? [];
  const failed = runs.filter((run) => run.state === "failed").length;

  const tools = (
    <>
      <Button icon aria-label="Day before" title="Day before ([)" onClick={() => go(shifted(date, -1))}>
        <Icon name="left" />
      </Button>
      <input className={css.date} type="date" aria-label="Day" value={date} onChange={(event) => isDate(event.target.value) && go(event.target.value)} />
      <Button icon aria-label="Day after" title="Day after (])" onClick={() => go(shifted(date, 1))}>
        <Icon name="right" />
      </Button>
      <Button onClick={() => go("")} disabled={isNow}>
        Now
      </Button>
      <SearchField
        label="Search pipelines"
        value={search.search ?? ""}
        change={(value) => void navigate({ search: (old) => ({ ...old, search: value }), replace: true })}
      />
      <span className={css.legend} aria-hidden="true">
        <StateMark state="succeeded" /> <StateMark state="failed" /> <StateMark state="running" /> <i /> planned
      </span>
    </>
  );
  return (
    <Page
      title={isNow ? "Around now" : weekday(fromUs)}
      note={day.data && [plural(runs.length, "run"), failed && `${failed} failed`, `${ticks.length} planned`].filter(Boolean).join(" · ")}
      tools={tools}
      fixed
    >
      {day.isPending && <PageSkeleton />}
      {day.error && !day.data && <ProblemBox problem={asProblem(day.error)} />}
      {day.data && runs.length + ticks.length === 0 && (
        <Empty title={wanted ? "No pipeline of this name ran, or will run, on this day" : "Nothing ran, and nothing is planned, on this day"}>
          <Link to="/runs">All runs</Link> are listed by time; <Link to="/pipelines">pipelines</Link> show their schedules.
        </Empty>
      )}
      {runs.length + ticks.length > 0 && <Timeline day={{ runs, ticks }} fromUs={fromUs} toUs={toUs} nowUs={nowUs} />}
    </Page>
  );
}

function weekday(us: number): string {
  return new Date(us / 1_000).toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
}
