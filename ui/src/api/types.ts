/** The wire types by the names that pages use; `schema.ts` is generated from `openapi.json` by `npm run api`. */

import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export interface Page<T> {
  items: T[];
  next: string | null;
}

export type AssetAutomation = Schemas["AssetAutomation"];
export type AssetCheck = Schemas["AssetCheck"];
export type AssetColumns = Schemas["AssetColumns"];
export type AssetDetail = Schemas["AssetDetail"];
export type AssetEvent = Schemas["AssetEvent"];
export type AssetGraph = Schemas["AssetGraph"];
export type AssetMeasures = Schemas["AssetMeasures"];
export type AssetSlice = Schemas["AssetSlice"];
export type AssetSummary = Schemas["AssetSummary"];
export type AutomationDecision = Schemas["AutomationDecision"];
export type Attention = Schemas["Attention"];
export type Attempt = Schemas["Attempt"];
export type Backfill = Schemas["Backfill"];
export type BackfillMatrix = Schemas["BackfillMatrix"];
export type BackfillSlice = Schemas["BackfillSlice"];
export type BrokenFile = Schemas["BrokenFile"];
export type Calendar = Schemas["Calendar"];
export type ColumnDetail = Schemas["ColumnDetail"];
export type ColumnPaths = Schemas["ColumnPaths"];
export type ColumnRef = Schemas["ColumnRef"];
export type Comparison = Schemas["Comparison"];
export type Connection = Schemas["Connection"];
export type ConnectionTested = Schemas["ConnectionTested"];
export type ConnectionType = Schemas["ConnectionType"];
export type DbtModel = Schemas["DbtModel"];
export type Day = Schemas["Day"];
export type DayRun = Schemas["DayRun"];
export type Durations = Schemas["Durations"];
export type FailingAssetCheck = Schemas["FailingAssetCheck"];
export type Graph = Schemas["Graph"];
export type GraphEdge = Schemas["GraphEdge"];
export type GraphGroup = Schemas["GraphGroup"];
export type GraphNode = Schemas["GraphNode"];
export type Grid = Schemas["Grid"];
export type GridRun = Schemas["GridRun"];
export type GridTask = Schemas["GridTask"];
export type LogLine = Schemas["LogLine"];
export type LogPage = Schemas["LogPage"];
export type NodeStatus = Schemas["NodeStatus"];
export type PipelineDetail = Schemas["PipelineDetail"];
export type PipelineSummary = Schemas["PipelineSummary"];
export type PartitionStates = Schemas["PartitionStates"];
export type Pool = Schemas["Pool"];
export type PoolUser = Schemas["PoolUser"];
export type Run = Schemas["Run"];
export type RunBar = Schemas["RunBar"];
export type RunDetail = Schemas["RunDetail"];
export type ScheduleSummary = Schemas["ScheduleSummary"];
export type ServerRow = Schemas["ServerRow"];
export type Session = Schemas["Session"];
export type Sync = Schemas["Sync"];
export type SyncRun = Schemas["SyncRun"];
export type System = Schemas["System"];
export type TaskError = Schemas["Error"];
export type TaskRun = Schemas["TaskRun"];
export type TaskRunDetail = Schemas["TaskRunDetail"];
export type Tick = Schemas["Tick"];
export type Timeline = Schemas["Timeline"];
export type TimelineBar = Schemas["TimelineBar"];
export type ValuePreview = Schemas["Preview"];
export type Version = Schemas["Version"];
export type VersionDiff = Schemas["VersionDiff"];
export type WorkerRow = Schemas["WorkerRow"];

/** What a write would touch, asked for with `preview: true`. */
export type Preview = Schemas["ActionPreview"];

export type RunState = Run["state"];
export type TaskState = TaskRun["state"];
export type AttentionKind = Attention["kind"];

// Values beside the types, for filters and legends: the compiler holds them complete.
export const RUN_STATES = all<RunState>()(["queued", "running", "suspended", "succeeded", "failed", "cancelled"]);
export const TASK_STATES = all<TaskState>()([
  "waiting",
  "ready",
  "dispatched",
  "running",
  "deferred",
  "retrying",
  "succeeded",
  "failed",
  "skipped",
  "upstream_failed",
  "cancelled",
]);

/** A list of literals that does not compile unless it has every member of `T`. */
function all<T extends string>() {
  return <const L extends readonly T[]>(list: [T] extends [L[number]] ? L : never): readonly T[] => list;
}
