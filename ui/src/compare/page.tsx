/** Two runs side by side: what was different, and what it made different. */

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, type ReactNode } from "react";
import { get } from "@/api/client";
import { asProblem } from "@/api/problem";
import { runQuery, runsQuery } from "@/api/queries";
import { SelectField, Toggle } from "@/design/field";
import { Empty } from "@/design/empty";
import { Page, Section } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { Skeleton } from "@/design/skeleton";
import { StateMark } from "@/design/state";
import { Took } from "@/design/time";
import { duration, moment, shortId, shortVersion } from "@/design/words";
import { change, longest, ranked, type TaskDifference } from "@/compare/differences";
import type { Comparison, Run, TaskState } from "@/run/types";
import { Scalar } from "@/values/json-tree";
import css from "./compare.module.css";

interface CompareSearch {
  a?: string;
  b?: string;
  show?: string;
}

export function ComparePage() {
  const { a = "", b = "", show = "" } = useSearch({ strict: false }) as CompareSearch;
  const navigate = useNavigate();
  const go = (next: CompareSearch) =>
    void navigate({ to: "/compare", search: (old: CompareSearch) => ({ ...old, ...next }), replace: true });
  const comparison = useQuery({
    queryKey: ["compare", a, b],
    queryFn: ({ signal }) => get<Comparison>("/compare", { a, b }, signal),
    enabled: a !== "" && b !== "",
  });
  return (
    <Page title="Compare two runs" tools={<Choose a={a} b={b} go={go} />}>
      {(!a || !b) && (
        <Empty title="Choose two runs">
          What differs between them is shown here: version, parameters, durations, outcomes and outputs.
        </Empty>
      )}
      {comparison.error && <ProblemBox problem={asProblem(comparison.error)} />}
      {a && b && comparison.isPending && <Skeleton rows={10} />}
      {comparison.data && (
        <Result
          comparison={comparison.data}
          all={show === "all"}
          showAll={(all) => go({ show: all ? "all" : undefined })}
        />
      )}
    </Page>
  );
}

/** The runs of the pipeline of the one that is known. */
function Choose({ a, b, go }: { a: string; b: string; go: (next: CompareSearch) => void }) {
  const known = useQuery({ ...runQuery(b || a), enabled: (b || a) !== "" });
  const runs = useQuery(runsQuery(known.data ? { pipeline: known.data.pipeline, limit: 100 } : { limit: 100 }));
  const options = useMemo(() => {
    const items = (runs.data?.items ?? []).map((run) => ({
      value: run.run_id,
      text: `${known.data ? "" : `${run.pipeline} `}${shortId(run.run_id)}, ${moment(run.created_us)}, ${run.state}`,
    }));
    const missing = [a, b].filter((id) => id && !items.some((item) => item.value === id));
    return [{ value: "", text: "choose a run" }, ...missing.map((id) => ({ value: id, text: shortId(id) })), ...items];
  }, [runs.data, known.data, a, b]);
  return (
    <div className={css.choose}>
      <SelectField label="Before" value={a} change={(value) => go({ a: value })} options={options} />
      <span>and then</span>
      <SelectField label="After" value={b} change={(value) => go({ b: value })} options={options} />
      <button type="button" className={css.swap} onClick={() => go({ a: b, b: a })} disabled={!a || !b}>
        swap
      </button>
    </div>
  );
}

function Result({
  comparison,
  all,
  showAll,
}: {
  comparison: Comparison;
  all: boolean;
  showAll: (all: boolean) => void;
}) {
  const { a, b, parameters, version_changed } = comparison;
  const tasks = useMemo(() => ranked(comparison.tasks), [comparison.tasks]);
  const shown = all ? tasks : tasks.filter((task) => change(task) !== "same");
  return (
    <>
      <table className={css.runs}>
        <thead>
          <tr>
            <td />
            {[a, b].map((run, at) => (
              <th key={at} scope="col">
                <Link to="/runs/$runId" params={{ runId: run.run_id }} search={{}}>
                  {run.pipeline} <code>{shortId(run.run_id)}</code>
                </Link>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Fact
            name="Outcome"
            a={<StateMark state={a.state} />}
            b={<StateMark state={b.state} />}
            differs={a.state !== b.state}
          />
          <Fact
            name="Took"
            a={<Took fromUs={a.started_us} toUs={a.finished_us} />}
            b={<Took fromUs={b.started_us} toUs={b.finished_us} />}
            differs={false}
            note={ratio(a, b)}
          />
          <Fact name="Started" a={moment(a.created_us)} b={moment(b.created_us)} differs={false} />
          <Fact
            name="Trigger"
            a={[a.trigger, a.actor].filter(Boolean).join(" by ")}
            b={[b.trigger, b.actor].filter(Boolean).join(" by ")}
            differs={a.trigger !== b.trigger}
          />
          <Fact
            name="Version"
            a={<code>{shortVersion(a.version)}</code>}
            b={<code>{shortVersion(b.version)}</code>}
            differs={version_changed}
            note={
              version_changed && a.pipeline === b.pipeline ? (
                <Link
                  to="/pipelines/$name/$view"
                  params={{ name: b.pipeline, view: "code" }}
                  search={{ version: b.version, against: a.version }}
                >
                  what changed in the code
                </Link>
              ) : null
            }
          />
          {parameters.map((parameter) => (
            <Fact
              key={parameter.name}
              name={parameter.name}
              a={<Scalar value={parameter.a} />}
              b={<Scalar value={parameter.b} />}
              differs
            />
          ))}
        </tbody>
      </table>
      <Section
        wide
        title="Tasks"
        note={
          <Toggle on={all} change={showAll}>
            Show tasks that are the same
          </Toggle>
        }
      >
        {shown.length === 0 ? (
          <Empty title="No task differs">The same outcomes, the same outputs, about the same time.</Empty>
        ) : (
          <Tasks tasks={shown} a={a} b={b} />
        )}
      </Section>
    </>
  );
}

function Fact({
  name,
  a,
  b,
  differs,
  note,
}: {
  name: string;
  a: ReactNode;
  b: ReactNode;
  differs: boolean;
  note?: ReactNode;
}) {
  return (
    <tr data-differs={differs}>
      <th scope="row">{name}</th>
      <td>{a}</td>
      <td>
        {b} {note && <span className={css.note}>{note}</span>}
      </td>
    </tr>
  );
}

function ratio(a: Run, b: Run): string {
  if (!a.finished_us || !b.finished_us || !a.started_us || !b.started_us) return "";
  const [before, after] = [a.finished_us - a.started_us, b.finished_us - b.started_us];
  const by = Math.round((after / Math.max(1, before) - 1) * 100);
  return Math.abs(by) < 2 ? "the same" : `${by > 0 ? "+" : "−"}${Math.abs(by)} %`;
}

function Tasks({ tasks, a, b }: { tasks: readonly TaskDifference[]; a: Run; b: Run }) {
  const most = longest(tasks);
  return (
    <div className={css.room}>
      <table className={css.tasks}>
        <thead>
          <tr>
            <th scope="col">Task</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
            <th scope="col">Time</th>
            <th scope="col">Output</th>
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <tr key={task.task} data-change={change(task)}>
              <th scope="row">{task.task}</th>
              <td>
                <State state={task.a_state} run={a.run_id} task={task.task} />
              </td>
              <td>
                <State state={task.b_state} run={b.run_id} task={task.task} />
              </td>
              <td>
                <span className={css.bars} role="img" aria-label={`${duration(task.a_us)} before, ${duration(task.b_us)} after`}>
                  <i style={{ width: `${(task.a_us / most) * 100}%` }} />
                  <i data-after="true" style={{ width: `${(task.b_us / most) * 100}%` }} />
                </span>
                <span className={css.times}>
                  {duration(task.a_us)} → {duration(task.b_us)}
                </span>
              </td>
              <td>
                {task.output_changed === null ? "–" : task.output_changed ? <strong>changed</strong> : "the same"}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function State({ state, run, task }: { state: string; run: string; task: string }) {
  if (!state) return <span className={css.note}>not there</span>;
  return (
    <Link to="/runs/$runId" params={{ runId: run }} search={{ task }} className={css.state}>
      <StateMark state={state as TaskState} />
    </Link>
  );
}
