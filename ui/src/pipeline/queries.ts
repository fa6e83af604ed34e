/** What the pipeline page asks, beside the pipeline itself. */

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, post, seg } from "@/api/client";
import type {
  Calendar,
  Durations,
  FileText,
  Graph,
  Grid,
  TickPage,
  VersionDiff,
  VersionFiles,
  VersionPage,
} from "@/run/types";
import type { components } from "@/api/schema";

const PAGE = 100;

export const gridQuery = (name: string) =>
  infiniteQueryOptions({
    queryKey: ["pipeline-grid", name],
    initialPageParam: "",
    queryFn: ({ signal, pageParam }) =>
      get<Grid>(`/pipelines/${seg(name)}/grid`, { limit: PAGE, before: pageParam }, signal),
    getNextPageParam: (page) => page.next,
  });

export const pipelineGraphQuery = (name: string, version = "") =>
  queryOptions({
    queryKey: ["pipeline-graph", name, version],
    queryFn: ({ signal }) => get<Graph>(`/pipelines/${seg(name)}/graph`, { version }, signal),
  });

export const calendarQuery = (name: string, fromUs: number, toUs: number, tz: string) =>
  queryOptions({
    queryKey: ["pipeline-calendar", name, fromUs, toUs, tz],
    queryFn: ({ signal }) =>
      get<Calendar>(`/pipelines/${seg(name)}/calendar`, { from_us: fromUs, to_us: toUs, tz }, signal),
  });

export const durationsQuery = (name: string, task: string, limit: number) =>
  queryOptions({
    queryKey: ["pipeline-durations", name, task, limit],
    queryFn: ({ signal }) => get<Durations>(`/pipelines/${seg(name)}/durations`, { task, limit }, signal),
  });

export const versionsQuery = (name: string) =>
  queryOptions({
    queryKey: ["pipeline-versions", name],
    queryFn: ({ signal }) => get<VersionPage>(`/pipelines/${seg(name)}/versions`, { limit: 200 }, signal),
  });

export const filesQuery = (version: string) =>
  queryOptions({
    queryKey: ["version-files", version],
    queryFn: ({ signal }) => get<VersionFiles>(`/versions/${seg(version)}/files`, {}, signal),
    staleTime: Infinity,
  });

export const fileQuery = (version: string, path: string) =>
  queryOptions({
    queryKey: ["version-file", version, path],
    queryFn: ({ signal }) => get<FileText>(`/versions/${seg(version)}/file`, { path }, signal),
    staleTime: Infinity,
  });

export const diffQuery = (before: string, after: string) =>
  queryOptions({
    queryKey: ["version-diff", before, after],
    queryFn: ({ signal }) => get<VersionDiff>(`/versions/${seg(before)}/diff/${seg(after)}`, {}, signal),
    staleTime: Infinity,
  });

export const ticksQuery = (schedule: string) =>
  queryOptions({
    queryKey: ["ticks", schedule],
    queryFn: ({ signal }) => get<TickPage>(`/schedules/${seg(schedule)}/ticks`, { limit: 50 }, signal),
  });

export const nextTicksQuery = (pipeline: string, name: string) =>
  queryOptions({
    queryKey: ["schedule-preview", pipeline, name],
    queryFn: () => post<components["schemas"]["SchedulePreview"]>("/schedules/preview", { pipeline, name, count: 8 }),
  });
