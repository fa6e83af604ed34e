/** The checks of an asset: what each found last, how it went before, and the rows that show what is wrong. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { asProblem } from "@/api/problem";
import type { AssetCheck } from "@/api/types";
import type { AssetSearch } from "@/assets/asset";
import { measuredBy, shareOf, tableOf, toneOfCheck, verdictOf } from "@/assets/check-words";
import { checksQuery } from "@/assets/queries";
import { Review } from "@/assets/review";
import { Button } from "@/design/button";
import { Icon } from "@/design/icon";
import { Section } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { said } from "@/design/said";
import { Skeleton } from "@/design/skeleton";
import { StateIcon } from "@/design/state";
import { Time } from "@/design/time";
import { moment, plural, shortId } from "@/design/words";
import css from "./checks.module.css";

interface ChecksProps {
  asset: string;
  partition: string;
  /** The one that is open. */
  open: string;
  go: (next: AssetSearch) => void;
}

export function Checks({ asset, partition, open, go }: ChecksProps) {
  const checks = useQuery(checksQuery(asset, partition));
  const items = checks.data?.items ?? [];
  const failing = items.filter((each) => !each.passed && each.reviewed !== "normal").length;
  if (checks.data && items.length === 0) return null;
  return (
    <Section title="Checks" note={checks.data && (failing ? `${failing} of ${items.length} failing` : items.length === 1 ? "it holds" : `all ${items.length} hold`)}>
      {checks.error && !checks.data && <ProblemBox problem={asProblem(checks.error)} />}
      {checks.isPending && <Skeleton rows={2} />}
      <ul className={css.checks}>
        {items.map((check) => (
          <li key={check.check}>
            <Check asset={asset} check={check} isOpen={open === check.check} toggle={() => go({ check: open === check.check ? "" : check.check })} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Check({ asset, check, isOpen, toggle }: { asset: string; check: AssetCheck; isOpen: boolean; toggle: () => void }) {
  const { state, tone } = toneOfCheck(check);
  return (
    <article className={css.check} data-tone={tone} data-open={isOpen}>
      <button type="button" className={css.head} aria-expanded={isOpen} onClick={toggle}>
        <StateIcon state={state} />
        <span className={css.name}>{check.check}</span>
        <span className={css.verdict}>{verdictOf(check)}</span>
        <span className={css.count}>{check.passed ? "" : shareOf(check)}</span>
        <Strip check={check} />
        <span className={css.when}>
          <Time us={check.at_us} />
        </span>
      </button>
      {isOpen && <Details asset={asset} check={check} />}
    </article>
  );
}

/** The last outcomes, the oldest first: what failed is tall. */
function Strip({ check }: { check: AssetCheck }) {
  const failed = check.history.filter((each) => !each.passed).length;
  const words = `${failed} of the last ${check.history.length} failed`;
  return (
    <span className={css.strip} role="img" aria-label={words} title={words}>
      {check.history.map((each) => (
        <i key={`${each.at_us} ${each.run_id} ${each.partition}`} data-passed={each.passed} title={`${moment(each.at_us)} ${each.passed ? "held" : "failed"}`} />
      ))}
    </span>
  );
}

function Details({ asset, check }: { asset: string; check: AssetCheck }) {
  const search = { task: check.task, index: check.index.join("."), attempt: String(check.attempt) };
  return (
    <div className={css.details}>
      {check.message && <p>{said(check.message)}</p>}
      <p className={css.facts}>
        <Link to="/runs/$runId" params={{ runId: check.run_id }} search={search}>
          {check.pipeline} <code title={check.run_id}>{shortId(check.run_id)}</code>
        </Link>
        {check.partition && <code>{check.partition}</code>}
        {check.column && (
          <span>
            column <code>{check.column}</code>
          </span>
        )}
        {check.rejects && (
          <span>
            set aside in <code>{check.rejects}</code>
          </span>
        )}
      </p>
      {check.sample.length > 0 && <Sample check={check} />}
      {measuredBy(check.check) && !check.passed && <Review asset={asset} check={check} />}
      {check.replay && <Replay text={check.replay} />}
    </div>
  );
}

function Sample({ check }: { check: AssetCheck }) {
  const { columns, rows } = tableOf(check.sample);
  return (
    <div className={css.scroll} tabIndex={0} role="region" aria-label={`Rows that fail ${check.check}`}>
      <table className={css.table}>
        <caption>
          {plural(rows.length, "row")} of {Math.max(check.failed_rows, rows.length).toLocaleString()} that fail; what is personal or secret is masked
        </caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col" data-blamed={column === check.column}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              {row.map((cell, column) => (
                <td key={columns[column]} data-blamed={columns[column] === check.column}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Replay({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <p className={css.replay}>
      <span>Mend the rows where they were set aside, then:</span>
      <code>{text}</code>
      <Button
        onClick={() => {
          void navigator.clipboard.writeText(text).then(() => setCopied(true));
        }}
      >
        <Icon name="copy" /> {copied ? "Copied" : "Copy"}
      </Button>
    </p>
  );
}
