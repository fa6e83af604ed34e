/** What people do to runs: each asks first, and shows what the server says that it will touch. */

import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { seg } from "@/api/client";
import { pipelineQuery } from "@/api/queries";
import { Confirm, type Action } from "@/app/confirm";
import { runGraphQuery } from "@/run/queries";
import type { Run, RunDetail, TaskRun } from "@/run/types";

type Offer = (action: Action) => void;

/** `offer(action)` opens the dialog that is returned beside it. */
export function useActions(): { offer: Offer; dialog: ReactNode } {
  const [action, setAction] = useState<Action | null>(null);
  return { offer: setAction, dialog: action && <Confirm action={action} close={() => setAction(null)} /> };
}

export interface RunActions {
  retry: Action | null;
  /** Where the code was wrong and is another now: what the run would rather be repeated with. */
  retryWithNew: Action | null;
  rerun: Action;
  cancel: Action | null;
  suspend: Action | null;
  resume: Action | null;
}

const CODE_MS = 5_000;
const ACTIVE: ReadonlySet<string> = new Set(["queued", "running", "suspended"]);

/** Whether it failed by its code: a retry with the same code fails again. */
export function failedByCode(run: Pick<RunDetail, "state" | "error" | "first_failures">): boolean {
  if (run.state !== "failed") return false;
  return run.error?.kind === "code" || run.first_failures.some((row) => row.error?.kind === "code");
}

/** What can be done to a run as it stands. */
export function useRunActions(run: RunDetail): RunActions {
  const toRun = useGoToRun();
  const byCode = failedByCode(run);
  // The correction is made in an editor, while this page is open.
  const pipeline = useQuery({ ...pipelineQuery(run.pipeline), enabled: byCode, refetchInterval: byCode && CODE_MS });
  const current = pipeline.data?.version;
  const graph = useQuery({ ...runGraphQuery(run.run_id), enabled: run.finished_us > 0 });
  // Whoever repeats names what: steps are of their flow, which begins anew with them.
  const all = graph.data?.nodes.filter((node) => node.kind !== "step").map((node) => node.id) ?? [];
  const path = (what: string) => `/runs/${seg(run.run_id)}/${what}`;
  const active = ACTIVE.has(run.state);
  const base = { previews: true, asksReason: true };
  return {
    retry:
      run.state === "failed" || run.state === "cancelled"
        ? { ...base, title: "Retry what failed", path: path("retry"), ...toRun }
        : null,
    retryWithNew:
      byCode && current && current !== run.version
        ? { ...base, title: "Retry with the current code", path: path("retry"), body: { new_code: true }, ...toRun }
        : null,
    rerun: { ...base, title: "Run all of it again", path: path("rerun"), body: { tasks: all }, ...toRun },
    cancel:
      active && !run.cancel_requested
        ? {
            ...base,
            title: "Cancel the run",
            path: path("cancel"),
            danger: true,
            said: () => "The run is being cancelled",
          }
        : null,
    suspend:
      run.state === "running"
        ? {
            ...base,
            title: "Suspend the run",
            path: path("suspend"),
            said: () => "Nothing new starts until you resume it",
          }
        : null,
    resume:
      run.state === "suspended"
        ? { ...base, title: "Resume the run", path: path("resume"), said: () => "The run goes on" }
        : null,
  };
}

/** What can be done to one task run. */
export function useTaskActions(run: RunDetail, task: Pick<TaskRun, "task" | "index" | "state" | "error">): Action[] {
  const toRun = useGoToRun();
  const path = (what: string) => `/runs/${seg(run.run_id)}/${what}`;
  const where = { task: task.task, index: task.index.join(".") };
  const name = where.index ? `${task.task}[${where.index}]` : task.task;
  const base = { previews: true, asksReason: true };
  const active = ACTIVE.has(run.state);
  const open = active && !["succeeded", "failed", "skipped", "upstream_failed", "cancelled"].includes(task.state);
  const out: Action[] = [];
  if (!active) {
    if (run.state === "failed") out.push({ ...base, title: "Retry what failed", path: path("retry"), ...toRun });
    const body = { tasks: [task.task] };
    out.push({ ...base, title: "Rerun from here", path: path("rerun"), body, ...toRun });
    out.push({
      ...base,
      title: "Rerun from here with the current code",
      path: path("rerun"),
      body: { ...body, new_code: true },
      ...toRun,
    });
  }
  // A retry meets the same code again: where the code is wrong, what helps comes first.
  if (task.error?.kind === "code")
    out.sort((a, b) => Number(b.body?.["new_code"] === true) - Number(a.body?.["new_code"] === true));
  if (open) {
    const mark = (state: string, words: string): Action => ({
      ...base,
      title: `Mark as ${words}`,
      path: path("mark"),
      body: { ...where, state },
      danger: state === "failed",
      said: () => `${name} counts as ${words}`,
    });
    out.push(mark("succeeded", "succeeded"), mark("skipped", "skipped"), mark("failed", "failed"));
    out.push({
      ...base,
      title: "Cancel this task run",
      path: path("cancel"),
      body: where,
      danger: true,
      said: () => `${name} is being cancelled`,
    });
  }
  return out;
}

/** Retry and rerun make a new run: one is taken there. */
function useGoToRun(): Pick<Action, "said" | "done"> {
  const navigate = useNavigate();
  return {
    said: () => "A new run has begun",
    done: (answer) => void navigate({ to: "/runs/$runId", params: { runId: (answer as Run).run_id }, search: {} }),
  };
}
