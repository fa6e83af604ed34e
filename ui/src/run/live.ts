/** Patches of a run's stream into what the run page has in its cache; the run itself is patched for all pages. */

import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { rowsOf, upsert } from "@/api/patches";
import type { Frame } from "@/api/stream";
import { ENDED, endOf, withEnds, withNodes, withTasks } from "@/run/timeline-model";
import type { Graph, GraphNode, NodeStatus, RunDetail, TaskPage, TaskRun, TaskRunDetail, Timeline } from "@/run/types";

const MOST_FAILURES = 5;

export interface Step {
  task: string;
  body: string;
}

export interface Signal {
  signal: "progress" | "metric" | "artifact";
  task: string;
  index: number[];
  name?: string;
  value?: number;
  done?: number;
  total?: number | null;
}

/** Apply one frame of `run:ID` or `tasks:ID:TASK`. */
export function applyRunFrame(cache: QueryClient, runId: string, frame: Frame): void {
  switch (frame.kind) {
    case "nodes":
      return applyNodes(cache, runId, frame.data as NodeStatus[]);
    case "tasks":
      return applyTasks(cache, runId, frame.data as TaskRun[]);
    case "steps":
      cache.setQueryData<Graph>(["run-graph", runId], (graph) => graph && withSteps(graph, frame.data as Step[]));
      return;
    case "signals":
      return applySignals(cache, runId, frame.data as Signal[]);
    case "reset": {
      const nodes = rowsOf<NodeStatus>(frame.data, "node");
      applyNodes(cache, runId, nodes);
      cache.setQueryData<Timeline>(["run-timeline", runId], (old) => old && { ...old, bars: withEnds(old.bars, nodes) });
      applyTasks(cache, runId, rowsOf<TaskRun>(frame.data, "task"));
      return askAgain(cache, runId, nodes);
    }
    default:
      return;
  }
}

function applyNodes(cache: QueryClient, runId: string, nodes: NodeStatus[]): void {
  if (nodes.length === 0) return;
  cache.setQueryData<RunDetail>(["run", runId], (old) => old && { ...old, nodes: upsert(old.nodes, nodes, (node) => node.task) });
  cache.setQueryData<Timeline>(["run-timeline", runId], (old) => old && { ...old, bars: withNodes(old.bars, nodes) });
}

/** Of a large run a reset holds only the task runs that go on or failed: rows whose node has ended meanwhile are asked for. */
function askAgain(cache: QueryClient, runId: string, nodes: readonly NodeStatus[]): void {
  const over = new Set(nodes.flatMap((node) => (node.total === 1 && endOf(node) ? [node.task] : [])));
  const isOld = (row: TaskRun) => row.index.length === 0 && over.has(row.task) && !ENDED.has(row.state);
  for (const [queryKey, data] of cache.getQueriesData<InfiniteData<TaskPage>>({ queryKey: ["run-tasks", runId] })) {
    if (data?.pages.some((page) => page.items.some(isOld))) void cache.invalidateQueries({ queryKey, exact: true });
  }
  for (const [queryKey, row] of cache.getQueriesData<TaskRunDetail>({ queryKey: ["task", runId] })) {
    if (row && isOld(row)) void cache.invalidateQueries({ queryKey, exact: true });
  }
}

/** An answer may be newer than a row: what has ended stays so. */
function applyTasks(cache: QueryClient, runId: string, tasks: TaskRun[]): void {
  if (tasks.length === 0) return;
  cache.setQueryData<Timeline>(["run-timeline", runId], (old) => {
    if (!old) return old;
    const over = new Set(old.bars.flatMap((bar) => (bar.count === 1 && ENDED.has(bar.state) ? [nameOf(bar)] : [])));
    const news = tasks.filter((task) => ENDED.has(task.state) || !over.has(nameOf(task)));
    return { ...old, bars: withTasks(old.bars, news) };
  });
  cache.setQueryData<RunDetail>(["run", runId], (old) => old && withFailures(old, tasks));
  for (const [key, data] of cache.getQueriesData<InfiniteData<TaskPage>>({ queryKey: ["run-tasks", runId] })) {
    if (data) cache.setQueryData(key, withRows(data, tasks));
  }
  for (const task of tasks) {
    const key = ["task", runId, task.task, task.index.join(".")];
    const old = cache.getQueryData<TaskRunDetail>(key);
    if (!old || knowsMore(old, task)) continue;
    cache.setQueryData<TaskRunDetail>(key, {
      ...old,
      ...task,
      error: task.error ? { ...old.error, ...task.error } : null,
    });
    // Attempts, values and the traceback of a task run are no rows of the stream: they are asked for when they came to be.
    if (
      old.state !== task.state &&
      (ENDED.has(task.state) || old.attempt !== task.attempt || old.state === "waiting" || old.state === "ready")
    )
      void cache.invalidateQueries({ queryKey: key });
  }
}

/** Whether the answer about a task run tells all of the row and more: rows carry neither causes nor tracebacks. */
function knowsMore(answer: TaskRunDetail, row: TaskRun): boolean {
  return ENDED.has(answer.state) && (!ENDED.has(row.state) || (answer.state === row.state && answer.attempt === row.attempt));
}

/** Known rows of a list replaced; new ones belong to pages that were not asked for. */
function withRows(data: InfiniteData<TaskPage>, tasks: readonly TaskRun[]): InfiniteData<TaskPage> {
  const news = new Map(tasks.map((task) => [nameOf(task), task]));
  const newest = (row: TaskRun): TaskRun => {
    const found = news.get(nameOf(row));
    return found && (ENDED.has(found.state) || !ENDED.has(row.state)) ? found : row;
  };
  return { ...data, pages: data.pages.map((page) => ({ ...page, items: page.items.map(newest) })) };
}

/** The run with failures that it has seen since it was asked for. */
function withFailures(run: RunDetail, tasks: readonly TaskRun[]): RunDetail {
  const known = new Set(run.first_failures.map(nameOf));
  const news = tasks.filter((task) => task.state === "failed" && !known.has(nameOf(task)));
  if (news.length === 0) return run;
  return { ...run, first_failures: [...run.first_failures, ...news].slice(0, MOST_FAILURES) };
}

function applySignals(cache: QueryClient, runId: string, signals: Signal[]): void {
  for (const signal of signals) {
    const key = ["task", runId, signal.task, signal.index.join(".")];
    cache.setQueryData<TaskRunDetail>(key, (old) => old && withSignal(old, signal));
  }
}

/** A task run with what its attempt says of itself. */
export function withSignal(task: TaskRunDetail, signal: Signal): TaskRunDetail {
  if (signal.signal === "progress")
    return { ...task, progress: { done: signal.done ?? 0, total: signal.total ?? null } };
  if (signal.signal !== "metric" || signal.name === undefined || signal.value === undefined) return task;
  const point: [number, number] = [Date.now() * 1000, signal.value];
  const known = task.metrics.find((series) => series.name === signal.name);
  const points = [...(known?.points ?? []), point];
  return { ...task, metrics: upsert(task.metrics, [{ name: signal.name, points }], (series) => series.name) };
}

/** The graph with steps that a flow has declared. */
export function withSteps(graph: Graph, steps: readonly Step[]): Graph {
  const known = new Set(graph.nodes.map((node) => node.id));
  const news = steps.filter((step) => !known.has(step.task)).map(nodeOf);
  if (news.length === 0) return graph;
  const edges = news.map(({ id, group }) => ({ source: group, target: id, kind: "order" as const, label: "" }));
  return { ...graph, nodes: [...graph.nodes, ...news], edges: [...graph.edges, ...edges] };
}

function nodeOf({ task, body }: Step): GraphNode {
  const label = task.startsWith(body) ? task.slice(body.length).replace(/^[^\w]+/, "") || task : task;
  return {
    id: task,
    label,
    kind: "step",
    group: body,
    scope: "",
    rule: "all_success",
    doc: "",
    retries: 0,
    pools: [],
    origin: null,
    tags: [],
    hook: "",
    teardown_of: "",
    host: "",
  };
}

function nameOf(task: { task: string; index: readonly number[] }): string {
  return `${task.task}[${task.index.join(".")}]`;
}
