/** The wire types that the run and pipeline pages read, as the server's OpenAPI document defines them. */

import type { components } from "@/api/schema";

type Wire = components["schemas"];

export type Run = Wire["Run"];
export type RunDetail = Wire["RunDetail"];
export type RunError = Wire["Error"];
export type NodeStatus = Wire["NodeStatus"];
export type TaskRun = Wire["TaskRun"];
export type TaskRunDetail = Wire["TaskRunDetail"];
export type Attempt = Wire["Attempt"];
export type Timeline = Wire["Timeline"];
export type TimelineBar = Wire["TimelineBar"];
export type LogLine = Wire["LogLine"];
export type LogPage = Wire["LogPage"];
export type Preview = Wire["Preview"];
export type TaskPage = Wire["Page_TaskRun_"];
export type Graph = Wire["Graph"];
export type GraphNode = Wire["GraphNode"];
export type GraphEdge = Wire["GraphEdge"];
export type Grid = Wire["Grid"];
export type GridRun = Wire["GridRun"];
export type GridTask = Wire["GridTask"];
export type Calendar = Wire["Calendar"];
export type CalendarDay = Wire["CalendarDay"];
export type Durations = Wire["Durations"];
export type PipelineDetail = Wire["PipelineDetail"];
export type ScheduleSummary = Wire["ScheduleSummary"];
export type Tick = Wire["Tick"];
export type TickPage = Wire["Page_Tick_"];
export type Backfill = Wire["Backfill"];
export type Version = Wire["Version"];
export type VersionPage = Wire["Page_Version_"];
export type VersionFiles = Wire["VersionFiles"];
export type FileText = Wire["FileText"];
export type VersionDiff = Wire["VersionDiff"];
export type Comparison = Wire["Comparison"];
export type RunAction = Wire["RunAction"];
export type ActionPreview = Wire["ActionPreview"];
export type TaskState = TaskRun["state"];
export type RunState = Run["state"];
