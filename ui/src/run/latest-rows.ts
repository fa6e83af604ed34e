/** What the stream said last about one run: put on top of answers that were on their way meanwhile, and are older. */

import type { QueryClient } from "@tanstack/react-query";
import { rowsOf } from "@/api/patches";
import type { Frame } from "@/api/stream";
import { applyRunFrame } from "@/run/live";
import type { NodeStatus, TaskRun, Timeline } from "@/run/types";

const KEPT = 5_000;
const ANSWERS = new Set(["run", "run-timeline", "run-tasks", "task"]);

export class LatestRows {
  private readonly nodes = new Map<string, NodeStatus>();
  private readonly tasks = new Map<string, TaskRun>();
  private readonly cache: QueryClient;
  private readonly runId: string;
  private seq: number | null = null;

  constructor(cache: QueryClient, runId: string) {
    this.cache = cache;
    this.runId = runId;
  }

  /** The stream tells what came after an answer about the run: of what was answered before it, something is missing. */
  begin(told: { seq: number; at_ms: number }): void {
    if (this.seq !== null) return;
    this.seq = told.seq;
    for (const query of this.cache.getQueryCache().getAll()) {
      const [kind, runId] = query.queryKey;
      if (runId !== this.runId || !ANSWERS.has(String(kind)) || kind === "run" || query.state.data === undefined) continue;
      const isOld = kind === "run-timeline" ? this.isOld(query.state.data) : query.state.dataUpdatedAt < told.at_ms;
      if (isOld) void this.cache.invalidateQueries({ queryKey: query.queryKey, exact: true });
    }
  }

  private isOld(answer: unknown): boolean {
    return ((answer as Timeline).fact_seq ?? 0) < (this.seq ?? 0);
  }

  /** Applies a frame, and keeps its rows. */
  saw(frame: Frame): void {
    const all = frame.kind === "reset" ? frame.data : [];
    const nodes = frame.kind === "nodes" ? (frame.data as NodeStatus[]) : rowsOf<NodeStatus>(all, "node");
    const tasks = frame.kind === "tasks" ? (frame.data as TaskRun[]) : rowsOf<TaskRun>(all, "task");
    for (const node of nodes) this.nodes.set(node.task, node);
    for (const task of tasks) keep(this.tasks, `${task.task}[${task.index.join(".")}]`, task);
    applyRunFrame(this.cache, this.runId, frame);
  }

  /** Until the returned function is called, each answer of the server is followed by what is newer. */
  follow(): () => void {
    return this.cache.getQueryCache().subscribe((event) => {
      if (event.type !== "updated" || event.action.type !== "success" || event.action.manual) return;
      const [kind, runId] = event.query.queryKey;
      if (!ANSWERS.has(String(kind)) || runId !== this.runId) return;
      const nodes: Frame = { topic: `run:${this.runId}`, kind: "nodes", data: [...this.nodes.values()] };
      applyRunFrame(this.cache, this.runId, nodes);
      applyRunFrame(this.cache, this.runId, { ...nodes, kind: "tasks", data: [...this.tasks.values()] });
      // It was asked for beside the run, and read before it.
      if (kind === "run-timeline" && this.isOld(event.query.state.data))
        void this.cache.invalidateQueries({ queryKey: event.query.queryKey, exact: true });
    });
  }
}

/** The newest last; beyond a bound the oldest go. */
function keep(rows: Map<string, TaskRun>, key: string, row: TaskRun): void {
  rows.delete(key);
  rows.set(key, row);
  const oldest = rows.keys().next();
  if (rows.size > KEPT && !oldest.done) rows.delete(oldest.value);
}
