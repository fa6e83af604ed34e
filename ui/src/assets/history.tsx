/** What was told of an asset: made, looked at, checked; each with the task run that told it. */

import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { nameOf } from "@/api/asset-patches";
import { asProblem } from "@/api/problem";
import type { AssetDetail, AssetEvent } from "@/api/types";
import type { AssetSearch } from "@/assets/asset";
import { eventsQuery } from "@/assets/queries";
import { Button } from "@/design/button";
import { SelectField, Toggle } from "@/design/field";
import { Section } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { local } from "@/design/said";
import { Skeleton } from "@/design/skeleton";
import { StateIcon } from "@/design/state";
import { Time } from "@/design/time";
import { bytes, plural, shortId } from "@/design/words";
import { JsonTree } from "@/values/json-tree";
import css from "./asset.module.css";

const KINDS = { materialized: "made", observed: "looked at", checked: "checked", reviewed: "reviewed", freshness: "freshness" } as const;

interface HistoryProps {
  asset: AssetDetail;
  partition: string;
  kind: string;
  go: (next: AssetSearch) => void;
}

export function History({ asset, partition, kind, go }: HistoryProps) {
  const known = kind in KINDS ? kind : "";
  const events = useInfiniteQuery(eventsQuery(asset.key, known, partition));
  const items = events.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Section
      title="History"
      note={
        <span className={css.facts}>
          <SelectField
            label="Kind of event"
            value={known}
            change={(value) => go({ kind: value })}
            options={[{ value: "", text: "Everything" }, ...Object.entries(KINDS).map(([value, text]) => ({ value, text }))]}
          />
          {partition && (
            <Toggle on change={() => go({ partition: "", until: "" })}>
              Only {partition}
            </Toggle>
          )}
        </span>
      }
    >
      {events.error && !events.data && <ProblemBox problem={asProblem(events.error)} />}
      {events.isPending && <Skeleton rows={4} />}
      {events.data && items.length === 0 && <p className={css.none}>Nothing was told of it yet. Retention takes the history with its runs.</p>}
      <ol className={css.events}>
        {items.map((event) => (
          <li key={nameOf(event)}>
            <Event event={event} />
          </li>
        ))}
      </ol>
      {events.hasNextPage && (
        <p className={css.none}>
          <Button disabled={events.isFetchingNextPage} onClick={() => void events.fetchNextPage()}>
            Show older ones
          </Button>
        </p>
      )}
    </Section>
  );
}

function wordOf(event: AssetEvent): string {
  switch (event.kind) {
    case "checked":
      return `${event.check} ${event.passed ? "held" : "failed"}`;
    case "reviewed":
      return `${event.check} reviewed`;
    case "freshness":
      return event.task === "overdue" ? "overdue" : "fresh again";
    default:
      return KINDS[event.kind];
  }
}

function Event({ event }: { event: AssetEvent }) {
  const isBad = (event.kind === "checked" && event.passed === false) || (event.kind === "freshness" && event.task === "overdue");
  return (
    <>
      <span className={css.what} data-tone={isBad ? "failed" : undefined}>
        <StateIcon state={isBad ? "failed" : event.kind === "observed" ? "ready" : "succeeded"} />{" "}
        {wordOf(event)}
      </span>
      {event.partition && <code>{event.partition}</code>}
      {event.rows !== null && <span>{plural(event.rows, "row")}</span>}
      {event.size_bytes !== null && <span>{bytes(event.size_bytes)}</span>}
      {isBad && event.failed_rows > 0 && (
        <span>
          {plural(event.failed_rows, "row")} ({event.severity})
        </span>
      )}
      {event.pipeline && (
        <Link to="/runs/$runId" params={{ runId: event.run_id }} search={{ task: event.task, index: event.index.join(".") }}>
          {event.pipeline} <code title={event.run_id}>{shortId(event.run_id)}</code>
        </Link>
      )}
      <span className={css.when}>
        <Time us={event.at_us} />
      </span>
      {event.message && <p className={css.message}>{local(event.message)}</p>}
      {event.sample.length > 0 && (
        <details>
          <summary>Rows that failed</summary>
          <JsonTree value={event.sample} />
        </details>
      )}
    </>
  );
}
