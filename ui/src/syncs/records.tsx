/** What became of each record of a run: searched here, and taken away as a file. */

import { useQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { asProblem } from "@/api/problem";
import type { SyncRun } from "@/api/types";
import { Button } from "@/design/button";
import { SearchField, SelectField } from "@/design/field";
import { Icon } from "@/design/icon";
import { Section } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { Skeleton } from "@/design/skeleton";
import { plural, shortId } from "@/design/words";
import { recordsQuery, type Records } from "@/syncs/queries";
import type { SyncSearch } from "@/syncs/sync";
import { csvOf, searched } from "@/syncs/words";
import css from "./syncs.module.css";

const STATUSES = ["accepted", "rejected", "invalid"];
const ROW = 30;

export function RecordsOf({ run, status, search, go }: { run: SyncRun; status: string; search: string; go: (next: SyncSearch) => void }) {
  const records = useQuery(recordsQuery(run));
  const found = records.data ? searched(records.data, status, search) : [];
  const sent = run.sent + run.invalid;
  return (
    <Section
      title="Records"
      note={
        <span className={css.tools}>
          <SearchField label="Search records" value={search} change={(value) => go({ search: value })} />
          <SelectField
            label="Status"
            value={status}
            change={(value) => go({ status: value })}
            options={[{ value: "", text: "Any status" }, ...STATUSES.map((each) => ({ value: each, text: each }))]}
          />
          <Button disabled={found.length === 0} onClick={() => records.data && save(`records-${shortId(run.run_id)}.csv`, csvOf(records.data.columns, found))}>
            <Icon name="download" /> Download
          </Button>
          <span>{records.data && countOf(found.length, records.data.rows.length, sent)}</span>
        </span>
      }
    >
      {records.isPending && <Skeleton rows={4} />}
      {records.error && sent > 0 && <ProblemBox problem={asProblem(records.error)} />}
      {(sent === 0 || (records.data && found.length === 0)) && <p className={css.none}>{sent === 0 ? "This run had nothing to send." : "No record fits."}</p>}
      {records.data && found.length > 0 && <Table records={records.data} found={found} />}
    </Section>
  );
}

/** The task leaves the first ones of many. */
function countOf(found: number, kept: number, sent: number): string {
  const of = found < kept ? `${found.toLocaleString()} of ${plural(kept, "record")}` : plural(kept, "record");
  return kept < sent ? `${of}, the first of ${sent.toLocaleString()}; the log in the warehouse has all` : of;
}

function Table({ records: { columns }, found }: { records: Records; found: readonly unknown[][] }) {
  const room = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({ count: found.length, getScrollElement: () => room.current, estimateSize: () => ROW, overscan: 15 });
  return (
    <div className={css.records} ref={room} tabIndex={0} role="region" aria-label="Records of the run">
      <div role="table" aria-label="Records" aria-rowcount={found.length + 1}>
        <div role="row" aria-rowindex={1} className={css.recordHead}>
          {columns.map((column) => (
            <span key={column} role="columnheader">
              {column.replace("_", " ")}
            </span>
          ))}
        </div>
        <div role="rowgroup" style={{ height: rows.getTotalSize(), position: "relative" }}>
          {rows.getVirtualItems().map((item) => (
            <div key={item.index} role="row" aria-rowindex={item.index + 2} className={css.record} data-status={String(found[item.index]?.[0])} style={{ transform: `translateY(${item.start}px)` }}>
              {columns.map((column, at) => {
                const text = String(found[item.index]?.[at] ?? "");
                return (
                  <span key={column} role="cell" title={text}>
                    {text}
                  </span>
                );
              })}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads it while it saves.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
