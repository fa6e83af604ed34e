/** Which pipelines a search means; all are in the browser, so that typing never waits for the server. */

import type { BrokenFile, PipelineSummary, ScheduleSummary } from "@/api/types";

export interface Wanted {
  search?: string;
  tag?: string;
  owner?: string;
  show?: string;
}

export function chosen(pipelines: readonly PipelineSummary[], wanted: Wanted): PipelineSummary[] {
  const words = (wanted.search ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  return pipelines.filter((pipeline) => {
    const text = `${pipeline.name} ${pipeline.doc} ${pipeline.owner} ${pipeline.tags.join(" ")} ${pipeline.file}`.toLowerCase();
    return (
      words.every((word) => text.includes(word)) &&
      (!wanted.tag || pipeline.tags.includes(wanted.tag)) &&
      (!wanted.owner || pipeline.owner === wanted.owner) &&
      isShown(pipeline, wanted.show ?? "")
    );
  });
}

/** Files without a pipeline that ever loaded: those of the others stand in the list, as they were. */
export function neverLoaded(files: readonly BrokenFile[], pipelines: readonly PipelineSummary[], wanted: Wanted): BrokenFile[] {
  if (wanted.tag || wanted.owner || !["", "broken"].includes(wanted.show ?? "")) return [];
  const words = (wanted.search ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const loaded = new Set(pipelines.map((pipeline) => pipeline.file));
  return files.filter(({ file }) => !loaded.has(file) && words.every((word) => file.toLowerCase().includes(word)));
}

function isShown(pipeline: PipelineSummary, show: string): boolean {
  if (show === "paused") return pipeline.paused;
  if (show === "broken") return pipeline.broken;
  if (show === "failing") return lastEnd(pipeline) === "failed";
  return true;
}

/** How the last run that ended did: one that goes on says nothing yet. */
export function lastEnd(pipeline: PipelineSummary): string {
  return pipeline.recent.findLast((run) => run.finished_us > 0)?.state ?? "";
}

export function nextOf(pipeline: PipelineSummary): ScheduleSummary | undefined {
  return pipeline.schedules
    .filter((schedule) => schedule.next_us > 0 && !schedule.paused)
    .reduce<ScheduleSummary | undefined>((first, schedule) => (first && first.next_us <= schedule.next_us ? first : schedule), undefined);
}

export function tagsOf(pipelines: readonly PipelineSummary[]): string[] {
  return [...new Set(pipelines.flatMap((pipeline) => pipeline.tags))].sort();
}

export function ownersOf(pipelines: readonly PipelineSummary[]): string[] {
  return [...new Set(pipelines.map((pipeline) => pipeline.owner).filter(Boolean))].sort();
}
