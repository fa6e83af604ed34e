/** The log of one attempt, live: only the lines in sight are drawn, so that 100,000 scroll like 100. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useCallback, useEffect, useMemo, useReducer, useRef, useState } from "react";
import { address, seg } from "@/api/client";
import { useTopic } from "@/api/live";
import { rowsOf } from "@/api/patches";
import { asProblem, type Problem } from "@/api/problem";
import { Button } from "@/design/button";
import { SearchField, SelectField, Toggle } from "@/design/field";
import { Icon } from "@/design/icon";
import { ProblemBox } from "@/design/problem-box";
import { spans } from "@/run/ansi";
import { plural } from "@/design/words";
import { cut, levelOf, LEVELS, LogLines, type Level, type LogRow } from "@/run/log-lines";
import { logPage, type LogOf } from "@/run/queries";
import type { LogLine } from "@/run/types";
import css from "./log.module.css";

const ROW = 20;

interface LogViewProps {
  of: LogOf;
  /** Whether more may come. */
  live: boolean;
  search: string;
  level: string;
  change: (next: { search?: string; level?: string }) => void;
}

export function LogView({ of, live, search, level, change }: LogViewProps) {
  const { lines, version, loading, problem } = useLog(of, live);
  const [only, setOnly] = useState(false);
  const [follow, setFollow] = useState(live);
  const [opened, setOpened] = useState<number | null>(null);
  const [current, setCurrent] = useState(-1);
  const room = useRef<HTMLDivElement>(null);
  const least: Level = LEVELS.find((each) => each === level) ?? "debug";
  lines.use({ level: least, search, only });
  const count = lines.length;
  // What the list shows changes without React's knowledge; `version` tells it.
  const width = useMemo(() => (version >= 0 ? lines.width : 0), [lines, version]);
  const list = useVirtualizer({ count, getScrollElement: () => room.current, estimateSize: () => ROW, overscan: 8 });
  useEffect(() => {
    if (follow && count > 0) list.scrollToIndex(count - 1, { align: "end" });
  }, [follow, count, list]);
  const toggle = useCallback((place: number) => setOpened((old) => (old === place ? null : place)), []);
  const go = (step: 1 | -1) => {
    const place = lines.next(current, step);
    if (place === undefined) return;
    setFollow(false);
    setCurrent(place);
    list.scrollToIndex(place, { align: "center" });
  };
  const { runId, ...which } = of;
  const download = address(`/runs/${seg(runId)}/logs/download`, which);
  const shown = opened === null ? undefined : lines.at(opened);
  return (
    <div className={css.log}>
      <div className={css.tools}>
        <SearchField label="Search the log" value={search} change={(text) => change({ search: text })} />
        {search && (
          <span className={css.found}>
            {lines.matches.length.toLocaleString()} found
            <Button icon aria-label="Match before" disabled={!lines.matches.length} onClick={() => go(-1)}>
              <Icon name="up" />
            </Button>
            <Button icon aria-label="Next match" disabled={!lines.matches.length} onClick={() => go(1)}>
              <Icon name="down" />
            </Button>
            <Toggle on={only} change={setOnly}>
              only these
            </Toggle>
          </span>
        )}
        <SelectField
          label="Least level"
          value={least === "debug" ? "" : least}
          change={(value) => change({ level: value })}
          options={LEVELS.map((each) => ({ value: each === "debug" ? "" : each, text: levelText(each, lines) }))}
        />
        <span className={css.right}>
          <Toggle on={follow} change={setFollow}>
            <Icon name="down" /> Follow
          </Toggle>
          <a className={css.download} href={download} download>
            <Icon name="download" /> Download
          </a>
        </span>
      </div>
      {problem && <ProblemBox problem={problem} />}
      <div
        ref={room}
        className={css.room}
        tabIndex={0}
        role="log"
        aria-label={`Log of ${of.task}`}
        aria-live="off"
        onWheel={(event) => {
          if (event.deltaY < 0) setFollow(false);
        }}
      >
        {count === 0 && !loading && (
          <p className={css.none}>
            {lines.total ? "No line passes the filter" : live ? "Nothing was written yet" : "Nothing was written"}
          </p>
        )}
        <div className={css.inner} style={{ height: list.getTotalSize(), minWidth: `calc(${width}ch + 13rem)` }}>
          {list.getVirtualItems().map((item) => {
            const row = lines.at(item.index);
            if (!row) return null;
            return (
              <Row
                key={`${row.line.n}:${row.part}`}
                row={row}
                top={item.start}
                search={search}
                current={item.index === current}
                place={item.index}
                open={toggle}
              />
            );
          })}
        </div>
      </div>
      {shown && <Fields line={shown.line} close={() => setOpened(null)} />}
      <p className={css.foot}>
        {count === lines.total
          ? plural(count, "line")
          : `${count.toLocaleString()} of ${plural(lines.total, "line")}`}
        {loading ? ", reading on…" : live ? ", live" : ""}
      </p>
    </div>
  );
}

function levelText(level: Level, lines: LogLines): string {
  if (level === "debug") return "all levels";
  const count = lines.byLevel[level];
  return `${level}${level === "error" ? "" : " and above"}${count ? ` (${count.toLocaleString()})` : ""}`;
}

const Row = memo(function Row({
  row,
  top,
  search,
  current,
  place,
  open,
}: {
  row: LogRow;
  top: number;
  search: string;
  current: boolean;
  place: number;
  open: (place: number) => void;
}) {
  const { line, part } = row;
  return (
    <div
      className={css.row}
      data-level={levelOf(line.level)}
      data-stream={line.stream}
      data-current={current}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => open(place)}
    >
      <span className={css.time}>{part ? "" : clockOf(line.at_us)}</span>
      <span className={css.level}>
        {line.stream === "log" || line.stream === "toque"
          ? shortLevel(line.level)
          : line.stream === "stderr"
            ? "err"
            : "out"}
      </span>
      <span className={css.text}>
        {spans(row.text).map((span, at) => (
          <span
            key={at}
            data-color={span.color}
            data-bold={span.bold}
            data-dim={span.dim}
            data-italic={span.italic}
            data-underline={span.underline}
          >
            {cut(span.text, search).map((piece, place) => (place % 2 ? <mark key={place}>{piece}</mark> : piece))}
          </span>
        ))}
      </span>
    </div>
  );
});

function shortLevel(level: string): string {
  const known = levelOf(level);
  return known === "warning" ? "warn" : known;
}

/** One line in full: what does not fit in its row, and the fields that structured logging gave it. */
function Fields({ line, close }: { line: LogLine; close: () => void }) {
  const fields = Object.entries(line.fields);
  return (
    <div className={css.fields}>
      <Button icon kind="plain" aria-label="Close the line" onClick={close}>
        <Icon name="close" />
      </Button>
      <pre>
        {spans(line.text)
          .map((span) => span.text)
          .join("")}
      </pre>
      <p>
        {new Date(line.at_us / 1000).toISOString()} · {line.level || line.stream}
        {line.logger && ` · ${line.logger}`}
      </p>
      {fields.length > 0 && (
        <dl>
          {fields.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{typeof value === "string" ? value : JSON.stringify(value)}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}

function clockOf(us: number): string {
  const at = new Date(us / 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

/** All lines there are, page by page, and those that the stream adds. Lines live outside of React's state: it is told only
 * that there are more. */
function useLog(of: LogOf, live: boolean) {
  const key = `${of.runId}:${of.task}:${of.index}:${of.attempt}`;
  const [lines, setLines] = useState(() => new LogLines());
  const [known, setKnown] = useState(key);
  const [version, bump] = useReducer((n: number) => n + 1, 0);
  const [loading, setLoading] = useState(true);
  const [problem, setProblem] = useState<Problem | null>(null);
  if (known !== key) {
    setKnown(key);
    setLines(new LogLines());
    setLoading(true);
    setProblem(null);
  }
  const { runId, task, index, attempt } = of;
  useEffect(() => {
    const reading = new AbortController();
    void readAll({ runId, task, index, attempt }, lines, reading.signal, bump).then((failed) => {
      if (reading.signal.aborted) return;
      setProblem(failed);
      setLoading(false);
    });
    return () => reading.abort();
  }, [lines, runId, task, index, attempt]);
  useTopic(live ? `logs:${key}` : null, (frame) => {
    const news =
      frame.kind === "logs"
        ? (frame.data as LogLine[])
        : frame.kind === "reset"
          ? rowsOf<LogLine>(frame.data, "log")
          : [];
    if (lines.add(news)) bump();
  });
  return { lines, version, loading, problem };
}

/** Pages until the end, as far as it is written; what went wrong, if something did. */
async function readAll(of: LogOf, into: LogLines, signal: AbortSignal, more: () => void): Promise<Problem | null> {
  try {
    for (let after = 0; ;) {
      const page = await logPage(of, after, signal);
      if (signal.aborted) return null;
      if (into.add(page.lines)) more();
      if (page.ended || page.lines.length === 0 || page.next <= after) return null;
      after = page.next;
    }
  } catch (error) {
    return asProblem(error);
  }
}
