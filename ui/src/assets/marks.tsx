/** Small marks of assets: how one stands, and how many of its slices were made. */

import type { AssetSummary } from "@/api/types";
import { STANDINGS, type Standing } from "@/assets/standing";
import { local } from "@/design/said";
import { StateIcon, toneOf } from "@/design/state";
import css from "./assets.module.css";

export function StandingMark({ standing }: { standing: Standing }) {
  const { state, word } = STANDINGS[standing];
  return (
    <span className={css.mark} data-tone={toneOf(state)}>
      <StateIcon state={state} /> {word}
    </span>
  );
}

const AGES = {
  overdue: { word: "overdue", state: "failed" },
  due: { word: "due", state: "retrying" },
} as const;

/** Only what is worth a look: data that is too old, or soon will be. Without a policy its past says what is unusual. */
export function AgeMark({ freshness }: Pick<AssetSummary, "freshness">) {
  if (freshness?.state !== "overdue" && freshness?.state !== "due") return null;
  const { state, word } = AGES[freshness.state];
  return (
    <span className={css.mark} data-tone={toneOf(state)} title={local(freshness.words)}>
      <StateIcon state={state} /> {freshness.policy ? word : "later than usual"}
    </span>
  );
}

export function SlicesBar({ asset: { partitions, materialized_count: made } }: { asset: AssetSummary }) {
  if (!partitions) return <span className={css.quiet}>–</span>;
  // Slices of a way to cut that was given up are counted as made.
  const share = partitions.count ? Math.min(1, made / partitions.count) : 0;
  return (
    <span className={css.slices} title={partitions.words}>
      <span className={css.quiet}>
        {made.toLocaleString()} of {partitions.count.toLocaleString()}
      </span>
      <span className={css.share} aria-hidden="true">
        <i style={{ width: `${share * 100}%` }} />
      </span>
    </span>
  );
}
