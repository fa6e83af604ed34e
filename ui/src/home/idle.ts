/** What to say of the schedules of a project when none of them fires soon. */

import type { PipelineSummary } from "@/api/types";
import { plural } from "@/design/words";

export interface Idle {
  count: number;
  title: string;
  words: string;
  /** One that is paused, as the command line takes it; "" for none. */
  paused: string;
}

export function idleSchedules(pipelines: readonly Pick<PipelineSummary, "schedules">[]): Idle {
  const all = pipelines.flatMap((pipeline) => pipeline.schedules);
  const paused = all.filter((schedule) => schedule.paused);
  return {
    count: all.length,
    title: titleOf(all.length, paused.length),
    words: "Those that are declared have no tick in that time.",
    paused: paused[0]?.id ?? "",
  };
}

function titleOf(all: number, paused: number): string {
  if (paused === 0) return "No schedule fires in the next day";
  if (paused < all) return `No schedule fires in the next day: ${paused} of ${all} are paused`;
  return all === 1 ? "The only schedule is paused" : `All ${plural(all, "schedule")} are paused`;
}
