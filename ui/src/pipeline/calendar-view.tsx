/** Days by outcome: which are bad, which are missing. */

import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { asProblem } from "@/api/problem";
import { Button } from "@/design/button";
import { Icon } from "@/design/icon";
import { ProblemBox } from "@/design/problem-box";
import { PageSkeleton } from "@/design/skeleton";
import { plural } from "@/design/words";
import {
  localDate,
  midnightUs,
  monthsOf,
  sinceFirst,
  shifted,
  type CalendarCell,
  type DayOutcome,
} from "@/pipeline/calendar-model";
import { calendarQuery } from "@/pipeline/queries";
import css from "./calendar.module.css";

const MONTHS = 6;
const TONES: Record<DayOutcome, string> = {
  none: "waiting",
  succeeded: "succeeded",
  mixed: "retrying",
  failed: "failed",
  cancelled: "cancelled",
  active: "running",
};
const SIGNS: Record<DayOutcome, string> = {
  none: "",
  succeeded: "✓",
  mixed: "!",
  failed: "✕",
  cancelled: "–",
  active: "…",
};
const WORDS: Record<DayOutcome, string> = {
  none: "no run",
  succeeded: "all succeeded",
  mixed: "some failed",
  failed: "all failed",
  cancelled: "cancelled",
  active: "running",
};
const WEEKDAYS = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];

export function CalendarView({ name, month, go }: { name: string; month: string; go: (month: string) => void }) {
  const today = localDate(new Date());
  const last = /^\d{4}-\d{2}$/.test(month) ? month : today.slice(0, 7);
  const from = midnightUs(`${shifted(last, 1 - MONTHS)}-01`);
  const to = midnightUs(`${shifted(last, 1)}-01`);
  const calendar = useQuery(calendarQuery(name, from, to, Intl.DateTimeFormat().resolvedOptions().timeZone));
  const months = useMemo(() => monthsOf(calendar.data?.days ?? [], last, MONTHS, today), [calendar.data, last, today]);
  if (calendar.error) return <ProblemBox problem={asProblem(calendar.error)} />;
  if (!calendar.data) return <PageSkeleton />;
  return (
    <div className={css.calendar}>
      <div className={css.tools}>
        <Button icon aria-label="Earlier months" onClick={() => go(shifted(last, -MONTHS))}>
          <Icon name="left" />
        </Button>
        <Button
          icon
          aria-label="Later months"
          disabled={last >= today.slice(0, 7)}
          onClick={() => go(shifted(last, MONTHS))}
        >
          <Icon name="right" />
        </Button>
        <ul className={css.legend}>
          {(["succeeded", "mixed", "failed", "active", "cancelled", "none"] as const).map((outcome) => (
            <li key={outcome}>
              <i data-tone={TONES[outcome]} data-outcome={outcome}>
                {SIGNS[outcome]}
              </i>
              {WORDS[outcome]}
            </li>
          ))}
        </ul>
      </div>
      <div className={css.months}>
        {(month ? months : sinceFirst(months)).toReversed().map((each) => (
          <table key={each.month} className={css.month}>
            <caption>
              {new Date(midnightUs(`${each.month}-01`) / 1000).toLocaleDateString(undefined, {
                month: "long",
                year: "numeric",
              })}
            </caption>
            <thead>
              <tr>
                {WEEKDAYS.map((day) => (
                  <th key={day} scope="col">
                    {day}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {each.weeks.map((week, at) => (
                <tr key={at}>
                  {week.map((cell, day) => (
                    <td key={day}>{cell && <Day cell={cell} name={name} today={today} />}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        ))}
      </div>
    </div>
  );
}

function Day({ cell, name, today }: { cell: CalendarCell; name: string; today: string }) {
  const navigate = useNavigate();
  const { runs, outcome } = cell;
  const counts = runs
    ? [
        runs.succeeded && `${runs.succeeded} succeeded`,
        runs.failed && `${runs.failed} failed`,
        runs.cancelled && `${runs.cancelled} cancelled`,
        runs.active && `${runs.active} active`,
      ]
        .filter(Boolean)
        .join(", ")
    : WORDS.none;
  const label = `${cell.date}: ${counts}`;
  if (!runs || runs.total === 0) {
    return (
      <span
        className={css.day}
        data-outcome="none"
        data-future={cell.future}
        data-today={cell.date === today}
        title={cell.future ? cell.date : label}
      >
        {cell.day}
      </span>
    );
  }
  const next = new Date(midnightUs(cell.date) / 1000);
  next.setDate(next.getDate() + 1);
  const search = { pipeline: name, from: String(midnightUs(cell.date)), to: String(next.getTime() * 1000) };
  return (
    <button
      type="button"
      className={css.day}
      data-outcome={outcome}
      data-tone={TONES[outcome]}
      data-today={cell.date === today}
      aria-label={label}
      title={`${label}\n${plural(runs.total, "run")}`}
      onClick={() => void navigate({ to: "/runs", search })}
    >
      {cell.day}
      <i aria-hidden="true">{SIGNS[outcome]}</i>
    </button>
  );
}
