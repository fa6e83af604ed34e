/** How many records the last runs sent, the oldest first; what was rejected stands on top. */

import type { SyncRun } from "@/api/types";
import { effectOf } from "@/syncs/words";
import { moment, plural } from "@/design/words";
import css from "./syncs.module.css";

export function Strip({ runs }: { runs: readonly SyncRun[] }) {
  const most = Math.max(1, ...runs.map((run) => run.sent + run.invalid));
  const shown = runs.slice(0, 24).toReversed();
  const share = (count: number) => `${Math.max(count ? 8 : 0, (100 * count) / most)}%`;
  const lost = shown.filter((run) => run.rejected + run.invalid > 0).length;
  return (
    <span className={css.strip} role="img" aria-label={`${plural(shown.length, "run")}, ${lost} with rejects`}>
      {shown.map((run) => (
        <span key={run.run_id + run.attempt} title={`${moment(run.at_us)}: ${effectOf(run)}`}>
          <i data-lost="true" style={{ height: share(run.rejected + run.invalid) }} />
          <i style={{ height: share(run.accepted) }} />
        </span>
      ))}
    </span>
  );
}
