/** Why an attempt failed: what happened first, its cause next, the traceback folded with the author's own lines marked. */

import { useMemo, useState } from "react";
import { exceptionName } from "@/design/words";
import type { RunError } from "@/run/types";
import css from "./problem.module.css";

const KINDS: Readonly<Record<string, string>> = {
  transient: "May heal by itself: a retry can help.",
  data: "The data is wrong: a retry would find it again.",
  code: "The code is wrong: fix it, then rerun from here with the current code.",
  infrastructure: "What it ran on failed it, not its code: a file, a disk, memory or a worker. See to that, then retry.",
  cancelled: "It was stopped.",
};

export function ErrorView({ error }: { error: RunError }) {
  return (
    <div className={css.error} role="group" aria-label="Error">
      <p className={css.message}>
        <strong>{exceptionName(error.type)}</strong>
        {error.message && <Folding text={error.message} />}
      </p>
      {error.cause && (
        <p className={css.cause}>
          <b>caused by</b> <Folding text={error.cause} />
        </p>
      )}
      <p className={css.where}>
        {error.file && (
          <code>
            {error.file}
            {error.line ? `:${error.line}` : ""}
          </code>
        )}
        {KINDS[error.kind] && <span>{KINDS[error.kind]}</span>}
      </p>
      {error.sample.length > 0 && (
        <details open>
          <summary>Rows that show it</summary>
          <pre className={css.sample}>{error.sample.map((row) => JSON.stringify(row)).join("\n")}</pre>
        </details>
      )}
      {error.traceback && <Traceback text={error.traceback} file={error.file} />}
    </div>
  );
}

/** Beyond this a message is folded: what follows it must stay in sight. */
const LONG = 600;
const LONG_LINES = 10;

/** The beginning of a text that is long, and whether something was left out. */
export function beginning(text: string): { start: string; isCut: boolean } {
  const lines = text.split("\n");
  const start = lines.slice(0, LONG_LINES).join("\n").slice(0, LONG);
  return { start, isCut: start.length < text.trimEnd().length };
}

function Folding({ text }: { text: string }) {
  const [isOpen, setOpen] = useState(false);
  const { start, isCut } = beginning(text);
  if (!isCut) return <span>{text}</span>;
  return (
    <span>
      {isOpen ? text : `${start}…`}{" "}
      <button type="button" className={css.fold} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {isOpen ? "Show less" : `Show all ${text.length.toLocaleString()} characters`}
      </button>
    </span>
  );
}

function Traceback({ text, file }: { text: string; file: string }) {
  const lines = useMemo(() => marked(text, file), [text, file]);
  return (
    <details>
      <summary>Traceback</summary>
      <pre className={css.traceback}>
        {lines.map(({ line, own }, at) => (
          <span key={at} data-own={own}>
            {line}
            {"\n"}
          </span>
        ))}
      </pre>
    </details>
  );
}

/** Which lines of a traceback are the author's: frames in the file that failed, and outside of installed packages. */
export function marked(text: string, file: string): { line: string; own: boolean }[] {
  let own = false;
  const name = file.split("/").pop() ?? "";
  return text.split("\n").map((line) => {
    const frame = /^\s*File "([^"]+)", line \d+/.exec(line);
    if (frame) {
      const path = frame[1] ?? "";
      const installed = /site-packages|lib\/python3|<frozen/.test(path);
      own = !installed && (path === file || (name !== "" && path.endsWith(`/${name}`)) || !path.includes("/toque/"));
    } else if (!/^\s/.test(line)) own = false;
    return { line, own };
  });
}
