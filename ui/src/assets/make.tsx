/** Make an asset: the server says what it would start before it starts it, as a backfill. */

import { useState } from "react";
import type { AssetDetail, Backfill } from "@/api/types";
import { command, rangeText } from "@/assets/matrix-model";
import type { Brushed } from "@/assets/matrix";
import { usePlan } from "@/backfills/use-plan";
import { Button } from "@/design/button";
import { Dialog } from "@/design/dialog";
import { ProblemBox } from "@/design/problem-box";
import { plural } from "@/design/words";
import fields from "@/pipeline/start.module.css";
import css from "./asset.module.css";

const REACHES = {
  "": "only this one",
  "+before": "this one and all that it is made from",
  "behind+": "this one and all that is made from it",
} as const;
const FILTERS = {
  all: "all of them",
  missing: "those that were never made",
  stale: "those that are stale",
  failed: "those that failed in a backfill",
} as const;
const SHOWN = 100;

export function MakeDialog({ asset, chosen, close }: { asset: AssetDetail; chosen: Brushed | null; close: () => void }) {
  const isCut = asset.partitions !== null;
  const [reach, setReach] = useState<keyof typeof REACHES>("");
  const [partitions, setPartitions] = useState(chosen ? rangeText(chosen.from, chosen.until) : "all");
  const [filter, setFilter] = useState<keyof typeof FILTERS>(chosen || !isCut ? "all" : "missing");
  const [strategy, setStrategy] = useState("per_key");
  const [active, setActive] = useState("2");
  const { plan, problem, busy, changed, submit } = usePlan("/backfills", () => ({
    selection: `${reach === "+before" ? "+" : ""}${asset.key}${reach === "behind+" ? "+" : ""}`,
    partitions: isCut ? partitions : reach ? "all" : "",
    ...(filter === "all" ? {} : { [filter]: true }),
    strategy,
    max_active: Number(active) || 1,
  }), close);
  return (
    <Dialog title={`Materialize ${asset.key}`} close={close}>
      <form className={css.form} onSubmit={submit}>
        <Choice label="Make" options={REACHES} value={reach} set={changed(setReach)} />
        {isCut && (
          <label className={fields.field}>
            <span className={fields.label}>Partitions</span>
            <input value={partitions} required spellCheck={false} onChange={(event) => changed(setPartitions)(event.target.value)} />
          </label>
        )}
        <Choice label="Of these" options={FILTERS} value={filter} set={changed(setFilter)} />
        {isCut && (
          <label className={fields.field}>
            <span className={fields.label}>Runs</span>
            <select value={strategy} onChange={(event) => changed(setStrategy)(event.target.value)}>
              <option value="per_key">one for each partition</option>
              <option value="ranges(7)">one for seven partitions</option>
              <option value="ranges(30)">one for thirty partitions</option>
              <option value="single_run">one for all</option>
            </select>
          </label>
        )}
        <label className={fields.field}>
          <span className={fields.label}>Runs at a time</span>
          <input type="number" min={1} max={1000} value={active} onChange={(event) => changed(setActive)(event.target.value)} />
        </label>
        {problem && <ProblemBox problem={problem} />}
        {plan && <Plan plan={plan} />}
        <p className={css.none}>
          At a terminal: <code>{command(asset.key, { isCut, from: chosen?.from, until: chosen?.until })}</code>
        </p>
        <div className={css.foot}>
          <Button onClick={close}>Leave it</Button>
          <Button kind="primary" type="submit" disabled={busy || plan?.total === 0}>
            {plan ? `Start ${plural(plan.total, "run")}` : "Show what it would make"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Choice<Name extends string>({
  label,
  options,
  value,
  set,
}: {
  label: string;
  options: Readonly<Record<Name, string>>;
  value: Name;
  set: (value: Name) => void;
}) {
  return (
    <label className={fields.field}>
      <span className={fields.label}>{label}</span>
      <select value={value} onChange={(event) => set(event.target.value as Name)}>
        {(Object.keys(options) as Name[]).map((name) => (
          <option key={name} value={name}>
            {options[name]}
          </option>
        ))}
      </select>
    </label>
  );
}

function Plan({ plan }: { plan: Backfill }) {
  if (plan.total === 0) return <p className={css.plan}>There is nothing to make.</p>;
  return (
    <div className={css.plan}>
      <strong>It would start {plural(plan.total, "run")}.</strong>
      <ol>
        {plan.planned.slice(0, SHOWN).map((slice) => (
          <li key={slice.n}>
            {plan.stages[slice.stage]?.assets.join(", ")} {slice.partition && <code>{slice.partition}</code>}
          </li>
        ))}
        {plan.total > SHOWN && <li>and {plural(plan.total - SHOWN, "more", "more")}</li>}
      </ol>
    </div>
  );
}
