import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { asProblem } from "@/api/problem";
import { pipelinesQuery } from "@/api/queries";
import type { PipelineSummary } from "@/api/types";
import { Empty } from "@/design/empty";
import { Section } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { RunStrip } from "@/design/run-strip";
import { Skeleton } from "@/design/skeleton";
import { plainText, plural } from "@/design/words";
import css from "./page.module.css";

/** More would be a list, and there is a page for that. */
const SHOWN = 40;

export function Strips() {
  const pipelines = useQuery(pipelinesQuery());
  const items = byLastRun(pipelines.data?.items ?? []);
  return (
    <Section title="Pipelines" note="their last runs: height is duration, full height with a gap is a failure">
      {pipelines.isPending && (
        <div className={css.stripRows}>
          <Skeleton rows={6} />
        </div>
      )}
      {pipelines.error && !pipelines.data && <ProblemBox problem={asProblem(pipelines.error)} />}
      {pipelines.data && items.length === 0 && (
        <Empty title="This project has no pipelines yet" command="toque init">
          A pipeline is a Python function with <code>@pipeline</code>. This writes a first one to change:
        </Empty>
      )}
      <div className={css.stripRows}>
        {items.slice(0, SHOWN).map((pipeline) => (
          <div key={pipeline.name} className={css.stripRow}>
            <Link to="/pipelines/$name" params={{ name: pipeline.name }} title={plainText(pipeline.doc)}>
              {pipeline.name}
            </Link>
            {pipeline.paused && <span className={css.quiet}>paused</span>}
            <RunStrip runs={pipeline.recent} pipeline={pipeline.name} />
          </div>
        ))}
      </div>
      {items.length > SHOWN && (
        <Link to="/pipelines" className={css.more}>
          All {plural(items.length, "pipeline")}
        </Link>
      )}
    </Section>
  );
}

/** Those that ran last come first: a quiet pipeline moves down, never a busy one out of sight. */
function byLastRun(items: readonly PipelineSummary[]): PipelineSummary[] {
  const last = (pipeline: PipelineSummary) => pipeline.recent.at(-1)?.created_us ?? 0;
  return [...items].sort((a, b) => last(b) - last(a) || (a.name < b.name ? -1 : 1));
}
