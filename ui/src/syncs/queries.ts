/** What the pages of syncs ask. */

import { queryOptions } from "@tanstack/react-query";
import { get, seg } from "@/api/client";
import type { Page, Sync, SyncRun, ValuePreview } from "@/api/types";

export const syncsQuery = queryOptions({
  queryKey: ["syncs"],
  queryFn: ({ signal }) => get<Page<Sync>>("/syncs", {}, signal),
});

export const syncQuery = (name: string) =>
  queryOptions({
    queryKey: ["sync", name],
    queryFn: ({ signal }) => get<Sync>(`/syncs/${seg(name)}`, {}, signal),
  });

const PAGE = 1_000;
const MOST_PAGES = 4;

export interface Records {
  columns: string[];
  rows: unknown[][];
}

/** What became of the records of a run: as many as its task left to look at, so that searching never waits. */
export const recordsQuery = (run: SyncRun) =>
  queryOptions({
    queryKey: ["sync-records", run.run_id, run.task, run.attempt],
    queryFn: async ({ signal }): Promise<Records> => {
      const found: Records = { columns: [], rows: [] };
      for (let page = 0; page < MOST_PAGES; page += 1) {
        const which = { task: run.task, index: run.index.join("."), which: "artifact:records" };
        const part = await get<ValuePreview>(`/runs/${seg(run.run_id)}/value`, { ...which, offset: page * PAGE, limit: PAGE }, signal);
        found.columns = part.columns ?? [];
        found.rows.push(...(part.rows ?? []));
        if ((part.rows?.length ?? 0) < PAGE) break;
      }
      return found;
    },
    staleTime: Infinity,
    // What a task leaves to look at is written a moment after its end.
    retry: 4,
    retryDelay: 300,
  });

/** What a dry run says. */
export interface Foreseen {
  destination: string;
  rows: number;
  unchanged: number;
  operations: Record<string, number>;
  creates: number | null;
  gone: number;
  invalid: number;
  deviations: { kind: string; severity: "warn" | "stop"; message: string }[];
  samples: Record<string, Record<string, unknown>[]>;
  rejects: { status: string; reason: string; record: Record<string, unknown> }[];
}

export const foreseenQuery = (runId: string, task: string) =>
  queryOptions({
    queryKey: ["sync-preview", runId, task],
    queryFn: async ({ signal }) => {
      const value = await get<ValuePreview>(`/runs/${seg(runId)}/value`, { task, index: "", which: "output" }, signal);
      return JSON.parse(value.text ?? "null") as Foreseen;
    },
    staleTime: Infinity,
  });
