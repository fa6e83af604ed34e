/** The task runs of a run, or the indexes of one mapped task: searched by the server, read a page at a time. */

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useMemo, useRef } from "react";
import { asProblem } from "@/api/problem";
import { Empty } from "@/design/empty";
import { SearchField, SelectField } from "@/design/field";
import { ProblemBox } from "@/design/problem-box";
import { Skeleton } from "@/design/skeleton";
import { StateMark, wordOf } from "@/design/state";
import { Took } from "@/design/time";
import { exceptionName, taskName } from "@/design/words";
import { TASK_STATES } from "@/api/types";
import { runGraphQuery, taskPagesQuery, type TaskFilters } from "@/run/queries";
import { graphOrder, inOrder, WHOLE_LIMIT } from "@/run/task-order";
import type { TaskRun } from "@/run/types";
import css from "./indexes.module.css";

const ROW = 34;

interface IndexesProps {
  runId: string;
  /** Only of this task; without it all of the run. */
  task?: string;
  filters: TaskFilters;
  change: (filters: { state?: string; search?: string }) => void;
  open: (task: string, index: string) => void;
  selected?: string;
}

export function Indexes({ runId, task, filters, change, open, selected = "" }: IndexesProps) {
  const pages = useInfiniteQuery(taskPagesQuery(runId, { ...(task ? { task } : {}), ...filters }));
  const graph = useQuery({ ...runGraphQuery(runId), enabled: !task });
  const order = useMemo(() => (!task && graph.data ? graphOrder(graph.data) : null), [task, graph.data]);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = pages;
  const rows = useMemo(() => {
    const found = pages.data?.pages.flatMap((page) => page.items) ?? [];
    return order && !hasNextPage && found.length <= WHOLE_LIMIT ? inOrder(found, order) : found;
  }, [pages.data, order, hasNextPage]);
  const room = useRef<HTMLDivElement>(null);
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => room.current,
    estimateSize: () => ROW,
    overscan: 12,
  });
  const items = list.getVirtualItems();
  const last = items[items.length - 1]?.index ?? 0;
  // In the order of the graph the first row may be the last that comes.
  const isWanted = order ? rows.length < WHOLE_LIMIT : false;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && (isWanted || last >= rows.length - 40)) void fetchNextPage();
  }, [last, rows.length, isWanted, hasNextPage, isFetchingNextPage, fetchNextPage]);
  const states = [
    { value: "", text: "any state" },
    ...TASK_STATES.map((state) => ({ value: state, text: wordOf(state) })),
  ];
  return (
    <div className={css.list}>
      <div className={css.tools}>
        <SearchField
          label={task ? "Index or error" : "Task, index or error"}
          value={filters.search ?? ""}
          change={(search) => change({ search: search || undefined })}
        />
        <SelectField
          label="State"
          value={filters.state ?? ""}
          change={(state) => change({ state: state || undefined })}
          options={states}
        />
      </div>
      {pages.error && <ProblemBox problem={asProblem(pages.error)} />}
      {pages.isPending && <Skeleton rows={6} height={28} />}
      {pages.data && rows.length === 0 && (
        <Empty title={filters.search || filters.state ? "No task run matches" : "No task run yet"} />
      )}
      <div ref={room} className={css.room} role="list" aria-label="Task runs" tabIndex={0}>
        <div className={css.inner} style={{ height: list.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            const name = taskName(row.task, row.index);
            const isMap = row.task.endsWith("[]");
            return <Row key={name} row={row} name={isMap ? row.task.slice(0, -2) : name} top={item.start} selected={name === selected} open={open} />;
          })}
        </div>
      </div>
    </div>
  );
}

const Row = memo(function Row({
  row,
  name,
  top,
  selected,
  open,
}: {
  row: TaskRun;
  name: string;
  top: number;
  selected: boolean;
  open: IndexesProps["open"];
}) {
  return (
    <div role="listitem" className={css.item} style={{ transform: `translateY(${top}px)` }}>
      <button
        type="button"
        className={css.row}
        data-selected={selected}
        onClick={() => open(row.task, row.index.join("."))}
      >
        <StateMark state={row.state} quiet />
        <span className={css.name}>{name}</span>
        <span className={css.why}>{row.error ? `${exceptionName(row.error.type)}: ${row.error.message}` : row.reason || (row.task.endsWith("[]") ? "the map as a whole" : "")}</span>
        <span className={css.number}>{row.attempt > 1 ? `attempt ${row.attempt}` : ""}</span>
        <span className={css.number}>
          <Took fromUs={row.started_us} toUs={row.finished_us} none="" />
        </span>
      </button>
    </div>
  );
});
