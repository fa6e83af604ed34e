/** When an asset is made by itself: its rules, what holds it back now, and what was decided, each with what makes it. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { seg } from "@/api/client";
import { asProblem } from "@/api/problem";
import type { AssetAutomation, AssetDetail, AutomationDecision } from "@/api/types";
import { decisionsQuery } from "@/assets/queries";
import { Button } from "@/design/button";
import { Icon } from "@/design/icon";
import { Section } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { StateIcon, type State } from "@/design/state";
import { Time } from "@/design/time";
import { plural, shortId } from "@/design/words";
import { useActions } from "@/run/actions";
import css from "./asset.module.css";

const STATES: Record<AutomationDecision["outcome"], State> = {
  requested: "succeeded",
  waits: "waiting",
  paused: "suspended",
  skipped: "skipped",
  failed: "failed",
};
const WORDS: Record<AutomationDecision["outcome"], string> = {
  requested: "asked for",
  waits: "not yet",
  paused: "held",
  skipped: "tick skipped",
  failed: "could not be planned",
};

export function Automation({ asset, automation }: { asset: AssetDetail; automation: AssetAutomation }) {
  const cache = useQueryClient();
  const { offer, dialog } = useActions();
  const { paused } = automation;
  const pause = () =>
    offer({
      title: paused ? "Resume the automation" : "Pause the automation",
      path: `/assets/${seg(asset.key)}/automation/${paused ? "unpause" : "pause"}`,
      words: paused
        ? "What was made upstream meanwhile counts, as one cause. Ticks of the pause stay skipped."
        : "Nothing is asked for by its rules until it is resumed. What was asked for goes on, and you can still make it.",
      done: (answer) => cache.setQueryData<AssetDetail>(["asset", asset.key], answer as AssetDetail),
    });
  return (
    <Section
      title="Automation"
      note={
        <span className={css.facts}>
          {paused && <strong data-tone="retrying">paused{automation.actor && ` by ${automation.actor}`}</strong>}
          <Button onClick={pause}>
            <Icon name={paused ? "play" : "pause"} /> {paused ? "Resume" : "Pause"}
          </Button>
        </span>
      }
    >
      <ul className={css.list}>
        {automation.rules.map((each) => (
          <li key={`${each.rule} ${each.words}`}>
            <code>{each.rule}</code> <span>{each.words}</span>
          </li>
        ))}
        {automation.rules.length === 0 && <li className={css.none}>Its code has no rule any more.</li>}
      </ul>
      {automation.since_us === 0 && automation.rules.length > 0 && (
        <p className={css.none}>No server acts on its rules: none has looked yet, or triggers are off under its profile.</p>
      )}
      {automation.waiting && (
        <p className={css.none} role="status">
          {automation.waiting}
        </p>
      )}
      <Decisions asset={asset.key} decided={automation.decisions} madeUs={asset.last?.materialized_us ?? 0} />
      {dialog}
    </Section>
  );
}

function Decisions({ asset, decided, madeUs }: { asset: string; decided: number; madeUs: number }) {
  const decisions = useQuery(decisionsQuery(asset, decided, madeUs));
  if (decisions.error && !decisions.data) return <ProblemBox problem={asProblem(decisions.error)} />;
  const items = decisions.data?.items ?? [];
  if (decided === 0) return <p className={css.none}>Nothing was decided yet.</p>;
  return (
    <ol className={css.events} aria-label="Decisions">
      {items.map((decision) => (
        <li key={decision.n}>
          <Decision decision={decision} />
        </li>
      ))}
    </ol>
  );
}

function Decision({ decision }: { decision: AutomationDecision }) {
  return (
    <>
      <span className={css.what} data-tone={decision.outcome === "failed" ? "failed" : undefined}>
        <StateIcon state={STATES[decision.outcome]} /> {WORDS[decision.outcome]}
      </span>
      <span>{decision.reason}</span>
      {decision.partitions && (
        <span title={decision.partitions}>
          {decision.count === 1 ? <code>{decision.partitions}</code> : plural(decision.count, "partition")}
        </span>
      )}
      <Maker decision={decision} />
      <span className={css.when}>
        <Time us={decision.at_us} />
      </span>
    </>
  );
}

function Maker({ decision: { run_id, backfill_id } }: { decision: AutomationDecision }) {
  if (run_id)
    return (
      <Link to="/runs/$runId" params={{ runId: run_id }} search={{}}>
        run <code title={run_id}>{shortId(run_id)}</code>
      </Link>
    );
  if (!backfill_id) return null;
  return (
    <Link to="/backfills" search={{ id: backfill_id }}>
      backfill <code title={backfill_id}>{shortId(backfill_id)}</code>
    </Link>
  );
}
