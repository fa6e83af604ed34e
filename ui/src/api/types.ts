/** The wire types by the names that pages use. */

export const RUN_STATES = ["queued", "running", "suspended", "succeeded", "failed", "cancelled"] as const;
export type RunState = (typeof RUN_STATES)[number];

export const TASK_STATES = [
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
] as const;
export type TaskState = (typeof TASK_STATES)[number];

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface TaskError {
  type: string;
  message: string;
  class?: string | null;
  traceback?: string | null;
}

export interface RunBar {
  run_id: string;
  state: RunState;
  created_us: number;
  started_us: number;
  finished_us: number;
}

export interface ScheduleSummary {
  id: string;
  pipeline: string;
  name: string;
  rule: string;
  words: string;
  tz: string;
  paused: boolean;
  next_us: number;
  last_us: number;
  catchup: string;
  parameters: Record<string, unknown>;
}

export interface PipelineSummary {
  name: string;
  doc: string;
  owner: string;
  tags: string[];
  file: string;
  version: string;
  paused: boolean;
  broken: boolean;
  task_count: number;
  schedules: ScheduleSummary[];
  recent: RunBar[];
}

export interface PipelineDetail extends PipelineSummary {
  parameters: Record<string, unknown>;
  versions_count: number;
  running_count: number;
  queued_count: number;
  concurrency: number;
}

export interface Run {
  run_id: string;
  pipeline: string;
  version: string;
  state: RunState;
  parameters: Record<string, unknown>;
  created_us: number;
  started_us: number;
  finished_us: number;
  cancel_requested: boolean;
  actor: string;
  trigger: string;
  logical_us: number;
  interval_start_us: number;
  interval_end_us: number;
  origin_run: string;
  backfill_id: string;
  priority: number;
  error: TaskError | null;
  reason: string;
  owner: string;
  tags: string[];
  fact_seq: number;
}

export interface NodeStatus {
  task: string;
  counts: Partial<Record<TaskState, number>>;
  total: number;
  started_us: number;
  finished_us: number;
  size: number;
}

export interface TaskRun {
  task: string;
  index: number[];
  state: TaskState;
  attempt: number;
  retries: number;
  ready_us: number;
  dispatched_us: number;
  started_us: number;
  finished_us: number;
  due_us: number;
  worker: string;
  error: TaskError | null;
  reason: string;
  result_kind: string;
  progress: { done: number; total: number } | null;
  size: number;
}

export interface RunDetail extends Run {
  nodes: NodeStatus[];
  first_failures: TaskRun[];
  late: boolean;
}

export interface Tick {
  schedule: string;
  at_us: number;
  start_us: number;
  end_us: number;
  due_us: number;
  outcome: "started" | "skipped" | "coalesced" | "planned";
  reason: string;
  run_id: string;
}

export interface Backfill {
  id: string;
  pipeline: string;
  schedule: string;
  from_us: number;
  to_us: number;
  total: number;
  started: number;
  succeeded: number;
  failed: number;
  state: string;
}

export type AttentionKind = "failed_run" | "late_run" | "broken_file" | "missed_ticks" | "down_worker";

export interface Attention {
  kind: AttentionKind;
  pipeline: string;
  run_id: string;
  since_us: number;
  title: string;
  detail: string;
  count: number;
}

export interface PoolSeat {
  run_id: string;
  task: string;
  index: number[];
  since_us: number;
}

export interface Pool {
  pool: string;
  limit: number;
  used: number;
  holders: PoolSeat[];
  waiters: PoolSeat[];
}

export interface BrokenFile {
  file: string;
  problems: { line: number; message: string; fix: string }[];
}

export interface DayBar {
  pipeline: string;
  run_id: string;
  state: RunState;
  started_us: number;
  finished_us: number;
}

export interface Day {
  runs: DayBar[];
  ticks: Tick[];
}

export interface Session {
  actor: string;
  server: {
    version: string;
    instance: string;
    boot: number;
    project: string;
    profile: string;
    now_us: number;
    role: string;
  };
}

/** What a write would touch, asked for with `preview: true`. */
export interface Preview {
  effects: { task: string; index: number[]; what: string }[];
  summary: string;
}
