/** Run a range of ticks again, or for the first time: the server says what it would start before it starts it. */

import { useState } from "react";
import { seg } from "@/api/client";
import { usePlan } from "@/backfills/use-plan";
import { Button } from "@/design/button";
import { Dialog } from "@/design/dialog";
import { ProblemBox } from "@/design/problem-box";
import { moment, plural } from "@/design/words";
import { localDate } from "@/pipeline/calendar-model";
import css from "./schedules.module.css";
import fields from "./start.module.css";

const DAY_MS = 86_400_000;

export function BackfillForm({ pipeline, schedule, close }: { pipeline: string; schedule: string; close: () => void }) {
  const [from, setFrom] = useState(() => `${localDate(new Date(Date.now() - 7 * DAY_MS))}T00:00`);
  const [to, setTo] = useState(() => `${localDate(new Date())}T00:00`);
  const [active, setActive] = useState("1");
  const [reverse, setReverse] = useState(false);
  const { plan, problem, busy, changed, submit } = usePlan(`/pipelines/${seg(pipeline)}/backfills`, () => ({
    schedule,
    from_us: Date.parse(from) * 1000,
    to_us: Date.parse(to) * 1000,
    max_active: Number(active) || 1,
    reverse,
  }), close);
  return (
    <Dialog title={`Backfill ${schedule}`} close={close}>
      <form className={css.form} onSubmit={submit}>
        <label className={fields.field}>
          <span className={fields.label}>From</span>
          <input
            type="datetime-local"
            required
            value={from}
            onChange={(event) => changed(setFrom)(event.target.value)}
          />
        </label>
        <label className={fields.field}>
          <span className={fields.label}>Up to, not including</span>
          <input type="datetime-local" required value={to} onChange={(event) => changed(setTo)(event.target.value)} />
        </label>
        <label className={fields.field}>
          <span className={fields.label}>Runs at a time</span>
          <input
            type="number"
            min={1}
            max={1000}
            value={active}
            onChange={(event) => changed(setActive)(event.target.value)}
          />
        </label>
        <label className={css.check}>
          <input type="checkbox" checked={reverse} onChange={(event) => changed(setReverse)(event.target.checked)} />{" "}
          Newest first
        </label>
        {problem && <ProblemBox problem={problem} />}
        {plan && (
          <div className={css.plan}>
            <strong>It would start {plural(plan.total, "run")}.</strong>
            <ol>
              {plan.slices.slice(0, 100).map((tick) => (
                <li key={tick.at_us}>{moment(tick.at_us)}</li>
              ))}
              {plan.slices.length > 100 && <li>and {plural(plan.total - 100, "more", "more")}</li>}
            </ol>
          </div>
        )}
        <div className={css.foot}>
          <Button onClick={close}>Leave it</Button>
          <Button kind="primary" type="submit" disabled={busy || plan?.total === 0}>
            {plan ? `Start ${plural(plan.total, "run")}` : "Show what it would start"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
