/** A value, shown by its kind: sampled and paged by the server, so that a gigabyte opens as fast as a number. */

import { useQuery, keepPreviousData } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { get, seg } from "@/api/client";
import { asProblem } from "@/api/problem";
import { Button } from "@/design/button";
import { later } from "@/design/later";
import { ProblemBox } from "@/design/problem-box";
import { Skeleton } from "@/design/skeleton";
import { bytes } from "@/design/words";
import type { Preview } from "@/run/types";
import { JsonTree, Scalar } from "@/values/json-tree";
import css from "./values.module.css";

const Markdown = later(() => import("@/values/markdown").then((module) => module.Markdown), <Skeleton rows={3} />);
const ROWS = 50;

/** Where the pages of a value come from. */
export interface ValueSource {
  runId: string;
  task: string;
  index: string;
  which: string;
}

export function PreviewView({ preview, source }: { preview: Preview; source?: ValueSource }) {
  return (
    <div className={css.preview}>
      <Body preview={preview} {...(source ? { source } : {})} />
      <p className={css.about}>
        {[preview.type, preview.size_bytes > 0 && bytes(preview.size_bytes), preview.note].filter(Boolean).join(" · ")}
      </p>
    </div>
  );
}

function Body({ preview, source }: { preview: Preview; source?: ValueSource }) {
  switch (preview.kind) {
    case "table":
      return source ? <PagedTable first={preview} source={source} /> : <Table preview={preview} />;
    case "json":
      return <Json text={preview.text ?? "null"} />;
    case "markdown":
      return <Markdown text={preview.text ?? ""} />;
    case "image":
      return preview.data_url ? (
        <img className={css.image} src={preview.data_url} alt={preview.type} />
      ) : (
        <Nothing preview={preview} />
      );
    case "plot":
      return preview.data_url ? (
        <img className={css.image} src={preview.data_url} alt="Plot" />
      ) : (
        <Json text={preview.text ?? "null"} />
      );
    case "text":
      return <pre className={css.text}>{preview.text}</pre>;
    default:
      return <Nothing preview={preview} />;
  }
}

function Nothing({ preview }: { preview: Preview }) {
  if (preview.kind === "none") return <p className={css.about}>No value</p>;
  return preview.text ? (
    <pre className={css.text}>{preview.text}</pre>
  ) : (
    <p className={css.about}>This value cannot be shown here</p>
  );
}

function Json({ text }: { text: string }) {
  const value = useMemo(() => parsed(text), [text]);
  // A sample may be cut in the middle: then it is text.
  return value === undefined ? <pre className={css.text}>{text}</pre> : <JsonTree value={value.json} />;
}

function parsed(text: string): { json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

function PagedTable({ first, source }: { first: Preview; source: ValueSource }) {
  const [offset, setOffset] = useState(0);
  const page = useQuery({
    queryKey: ["value", source, offset],
    queryFn: ({ signal }) => {
      const { runId, ...which } = source;
      return get<Preview>(`/runs/${seg(runId)}/value`, { ...which, offset, limit: ROWS }, signal);
    },
    enabled: offset > 0,
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
  const shown = offset > 0 ? (page.data ?? first) : first;
  const length = shown.rows?.length ?? 0;
  const total = first.total_rows ?? null;
  const from = offset > 0 ? offset : first.offset;
  const more = total === null ? length >= ROWS : from + length < total;
  return (
    <>
      {page.error && <ProblemBox problem={asProblem(page.error)} />}
      <Table preview={shown} from={from} />
      {(more || offset > 0) && (
        <div className={css.pager}>
          <Button
            icon
            aria-label="Rows before"
            disabled={offset === 0}
            onClick={() => setOffset(Math.max(0, offset - ROWS))}
          >
            ‹
          </Button>
          <span>
            rows {(from + 1).toLocaleString()} to {(from + length).toLocaleString()}
            {total !== null && ` of ${total.toLocaleString()}`}
          </span>
          <Button
            icon
            aria-label="Rows after"
            disabled={!more}
            onClick={() => setOffset(offset > 0 ? offset + ROWS : length)}
          >
            ›
          </Button>
        </div>
      )}
    </>
  );
}

function Table({ preview, from = 0 }: { preview: Preview; from?: number }) {
  const columns = useMemo(() => preview.columns ?? [], [preview.columns]);
  const numeric = useMemo(
    () => columns.map((_, at) => (preview.rows ?? []).every((row) => row[at] === null || typeof row[at] === "number")),
    [columns, preview.rows],
  );
  return (
    // Scrolls both ways: it must be reachable by keyboard.
    <div className={css.tableRoom} tabIndex={0} role="region" aria-label={`Table of ${columns.length} columns`}>
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col" className={css.rowNumber}>
              #
            </th>
            {columns.map((column, at) => (
              <th key={at} scope="col" data-numeric={numeric[at]}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(preview.rows ?? []).map((row, at) => (
            <tr key={at}>
              <td className={css.rowNumber}>{(from + at + 1).toLocaleString()}</td>
              {columns.map((_, column) => (
                <td key={column} data-numeric={numeric[column]}>
                  <Scalar value={row[column]} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
