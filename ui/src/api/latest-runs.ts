/** An answer that was on its way while a patch came is older than the patch: what the stream said last is put on top of it. */

import type { QueryClient } from "@tanstack/react-query";
import { applyRuns, rowsOf } from "@/api/patches";
import type { Frame } from "@/api/stream";
import type { Run } from "@/api/types";

const KEPT = 500;
const HOLD_RUNS = new Set(["run", "runs", "run-pages", "pipelines", "pipeline", "pipeline-grid"]);

export class LatestRuns {
  private readonly runs = new Map<string, Run>();

  constructor(cache: QueryClient) {
    cache.getQueryCache().subscribe((event) => {
      if (event.type !== "updated" || event.action.type !== "success" || event.action.manual) return;
      if (HOLD_RUNS.has(String(event.query.queryKey[0]))) applyRuns(cache, [...this.runs.values()]);
    });
  }

  saw(frame: Frame): void {
    const runs = frame.kind === "runs" ? (frame.data as Run[]) : frame.kind === "reset" ? rowsOf<Run>(frame.data, "run") : [];
    for (const run of runs) {
      this.runs.delete(run.run_id);
      this.runs.set(run.run_id, run);
    }
    for (const id of this.runs.keys()) {
      if (this.runs.size <= KEPT) break;
      this.runs.delete(id);
    }
  }
}
