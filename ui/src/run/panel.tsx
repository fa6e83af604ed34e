/** One task run: what is wrong first, then everything that it left. Its address says which one and which part. */

import { useQuery } from "@tanstack/react-query";
import { useRef, type ReactNode } from "react";
import { useTopic } from "@/api/live";
import { asProblem } from "@/api/problem";
import { useShortcut } from "@/app/keys";
import { CodeView } from "@/code/later";
import { Button } from "@/design/button";
import { Icon } from "@/design/icon";
import { ProblemBox } from "@/design/problem-box";
import { Skeleton } from "@/design/skeleton";
import { StateMark } from "@/design/state";
import { Took } from "@/design/time";
import { plural, taskName } from "@/design/words";
import { useActions, useTaskActions } from "@/run/actions";
import { useFocusReturn } from "@/run/focus";
import { Indexes } from "@/run/indexes";
import { LogView } from "@/run/later";
import { applyRunFrame } from "@/run/live";
import { Menu } from "@/run/menu";
import { Overview } from "@/run/overview";
import { taskQuery } from "@/run/queries";
import type { RunDetail, TaskRunDetail } from "@/run/types";
import type { Place } from "@/run/use-run";
import { ValuesView } from "@/run/values-view";
import { useQueryClient } from "@tanstack/react-query";
import css from "./panel.module.css";


const PARTS = [
  { id: "", text: "Overview" },
  { id: "logs", text: "Logs" },
  { id: "values", text: "In and out" },
  { id: "code", text: "Code" },
] as const;

interface PanelProps {
  run: RunDetail;
  place: Place;
  /** The task has many indexes, and none is chosen. */
  isMapped: boolean;
}

export function Panel({ run, place, isMapped }: PanelProps) {
  const { search, open } = place;
  const task = search.task ?? "";
  const close = () => open("");
  useShortcut("Escape", "Close the panel", close);
  const panel = useRef<HTMLElement>(null);
  const head = useRef<HTMLHeadingElement>(null);
  const name = taskName(task, (search.index ?? "").split(".").filter(Boolean).map(Number));
  useFocusReturn(panel, head, { task, name });
  return (
    <aside ref={panel} className={css.panel} aria-label={`Task ${name}`}>
      <header className={css.head}>
        <div className={css.title}>
          {search.index && (
            <Button icon kind="plain" aria-label="All indexes" title="All indexes" onClick={() => open(task)}>
              <Icon name="left" />
            </Button>
          )}
          <h2 ref={head} tabIndex={-1}>
            {name}
          </h2>
          <Button icon kind="plain" aria-label="Close the panel" title="Close (Escape)" onClick={close}>
            <Icon name="close" />
          </Button>
        </div>
      </header>
      {isMapped ? (
        <Mapped run={run} place={place} task={task} />
      ) : (
        <TaskRunPart key={name} run={run} place={place} task={task} index={search.index ?? ""} />
      )}
    </aside>
  );
}

function Mapped({ run, place, task }: { run: RunDetail; place: Place; task: string }) {
  const cache = useQueryClient();
  useTopic(run.finished_us ? null : `tasks:${run.run_id}:${task}`, (frame) => applyRunFrame(cache, run.run_id, frame));
  const node = run.nodes.find((each) => each.task === task);
  const { search, go, open } = place;
  const filters = {
    ...(search.state ? { state: search.state } : {}),
    ...(search.search ? { search: search.search } : {}),
  };
  const counts = Object.entries(node?.counts ?? {}).filter(([, count]) => count);
  return (
    <div className={css.body}>
      <p className={css.counts}>
        {counts.map(([state, count]) => (
          <button
            key={state}
            type="button"
            aria-pressed={search.state === state}
            onClick={() => go({ state: search.state === state ? undefined : state })}
          >
            <StateMark state={state as TaskRunDetail["state"]} count={count} />
          </button>
        ))}
        {node && node.size >= 0 && <span>{plural(node.size, "index", "indexes")}</span>}
      </p>
      <Indexes runId={run.run_id} task={task} filters={filters} change={(next) => go(next)} open={open} />
    </div>
  );
}

function TaskRunPart({ run, place, task, index }: { run: RunDetail; place: Place; task: string; index: string }) {
  const detail = useQuery(taskQuery(run.run_id, task, index));
  const { search, go } = place;
  const cache = useQueryClient();
  const live = run.finished_us === 0;
  useTopic(live && index ? `tasks:${run.run_id}:${task}` : null, (frame) => applyRunFrame(cache, run.run_id, frame));
  const part = PARTS.find((each) => each.id === search.panel)?.id ?? "";
  useShortcut("l", "Logs of the task", () => go({ panel: "logs" }));
  useShortcut("o", "Overview of the task", () => go({ panel: undefined }));
  if (detail.error) return <ProblemBox problem={asProblem(detail.error)} />;
  if (!detail.data) return <Skeleton rows={6} />;
  const row = detail.data;
  const attempt = Number(search.attempt) || row.attempt;
  return (
    <>
      <div className={css.facts}>
        <StateMark state={row.state} />
        {row.started_us > 0 && <Took fromUs={row.started_us} toUs={row.finished_us} />}
        {row.attempt > 0 && (
          <select
            aria-label="Attempt"
            value={attempt}
            onChange={(event) =>
              go({ attempt: Number(event.target.value) === row.attempt ? undefined : event.target.value })
            }
          >
            {Array.from({ length: row.attempt }, (_, at) => (
              <option key={at} value={at + 1}>
                attempt {at + 1} of {row.retries + 1 > row.attempt ? row.retries + 1 : row.attempt}
              </option>
            ))}
          </select>
        )}
        <TaskMenu run={run} row={row} />
      </div>
      <Parts part={part} go={(panel) => go({ panel: panel || undefined })} />
      <div className={css.body} data-part={part || "overview"}>
        {part === "" && <Overview run={run} row={row} attempt={attempt} />}
        {part === "logs" && row.attempt === 0 && <p className={css.none}>It has not started: there is no log yet.</p>}
        {part === "logs" && row.attempt > 0 && (
          <LogView
            key={attempt}
            of={{ runId: run.run_id, task, index, attempt }}
            live={attempt === row.attempt && row.finished_us === 0 && live}
            search={search.search ?? ""}
            level={search.level ?? ""}
            change={(next) =>
              go({
                ...("search" in next ? { search: next.search || undefined } : {}),
                ...("level" in next ? { level: next.level || undefined } : {}),
              })
            }
          />
        )}
        {part === "values" && <ValuesView runId={run.run_id} row={row} />}
        {part === "code" && <Code row={row} />}
      </div>
    </>
  );
}

function Parts({ part, go }: { part: string; go: (part: string) => void }) {
  return (
    <nav className={css.parts} aria-label="Parts of the task">
      {PARTS.map((each) => (
        <button
          key={each.id}
          type="button"
          aria-current={each.id === part ? "page" : undefined}
          onClick={() => go(each.id)}
        >
          {each.text}
        </button>
      ))}
    </nav>
  );
}

function TaskMenu({ run, row }: { run: RunDetail; row: TaskRunDetail }) {
  const { offer, dialog } = useActions();
  const actions = useTaskActions(run, row);
  // What ends or overrules a task run that goes on is never one click away.
  const first = run.finished_us > 0 ? actions[0] : undefined;
  const rest = first ? actions.slice(1) : actions;
  useShortcut("R", first?.title ?? "", () => first && offer(first), first !== undefined);
  if (actions.length === 0) return null;
  return (
    <span className={css.actions}>
      {first && (
        <Button kind={row.state === "failed" ? "primary" : "normal"} onClick={() => offer(first)}>
          <Icon name="retry" /> {first.title}
        </Button>
      )}
      {rest.length > 0 && (
        <Menu
          label="More for this task"
          items={rest.map((action) => ({
            text: action.title,
            danger: action.danger ?? false,
            run: () => offer(action),
          }))}
        />
      )}
      {dialog}
    </span>
  );
}

function Code({ row }: { row: TaskRunDetail }): ReactNode {
  if (!row.code) return <p className={css.none}>The code of this task is not known here.</p>;
  return (
    <div className={css.stack}>
      <p>
        <code>
          {row.code.file}:{row.code.line}
        </code>
        , as this run has it
      </p>
      <CodeView
        text={row.code.text}
        path={row.code.file}
        first={row.code.line}
        mark={row.error?.file === row.code.file ? (row.error?.line ?? 0) : 0}
      />
    </div>
  );
}
