/** Where one is on the run page: the address is the only place that knows. */

import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useState } from "react";

export const RUN_VIEWS = ["graph", "timeline", "tasks", "dbt", "details"] as const;
export type RunView = (typeof RUN_VIEWS)[number];

export interface RunSearch {
  task?: string;
  index?: string;
  attempt?: string;
  panel?: string;
  state?: string;
  search?: string;
  level?: string;
  value?: string;
}

export interface Place {
  runId: string;
  view: RunView;
  search: RunSearch;
  /** Change some of the address; what is named with `undefined` leaves it. */
  go: (next: RunSearch, view?: RunView) => void;
  /** Another task run in the panel: what was said of the one before does not hold for it. */
  open: (task: string, index?: string, panel?: string) => void;
}

export function useRunPlace(): Place {
  const { runId = "", view = "" } = useParams({ strict: false });
  const search = useSearch({ strict: false }) as RunSearch;
  const navigate = useNavigate();
  const current = RUN_VIEWS.find((each) => each === view) ?? "graph";
  const go = useCallback(
    (next: RunSearch, to: RunView = current) => {
      const changed = { search: (old: RunSearch) => ({ ...old, ...next }), replace: to === current };
      // An address without a view keeps its route: another one would mount the whole page anew.
      if (to === current && view === "") void navigate({ to: "/runs/$runId", params: { runId }, ...changed });
      else void navigate({ to: "/runs/$runId/$view", params: { runId, view: to }, ...changed });
    },
    [navigate, runId, current, view],
  );
  const open = useCallback(
    (task: string, index = "", panel?: string) =>
      go({
        task: task || undefined,
        index: index || undefined,
        attempt: undefined,
        value: undefined,
        search: undefined,
        level: undefined,
        panel,
      }),
    [go],
  );
  return { runId, view: current, search, go, open };
}

/** Whether the run was going on when it was opened. Of one that had ended the stream would tell only what answers told:
 * all of it, again. One that ends meanwhile is followed on, since its last rows come after its end. */
export function useFollowed(runId: string, run: { run_id: string; finished_us: number } | undefined): boolean {
  const [opened, setOpened] = useState<{ runId: string; isLive: boolean } | null>(null);
  if (run?.run_id === runId && opened?.runId !== runId) setOpened({ runId, isLive: run.finished_us === 0 });
  return opened?.runId === runId && opened.isLive;
}
