/** What went into a task run, what came out, and what it left to look at. */

import { useEffect, useRef } from "react";
import { useSearch } from "@tanstack/react-router";
import { Empty } from "@/design/empty";
import { Part } from "@/run/overview";
import type { TaskRunDetail } from "@/run/types";
import type { RunSearch } from "@/run/use-run";
import { JsonTree } from "@/values/json-tree";
import { PreviewView } from "@/values/preview";
import css from "./panel.module.css";

export function ValuesView({ runId, row }: { runId: string; row: TaskRunDetail }) {
  const { value } = useSearch({ strict: false }) as RunSearch;
  const wanted = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Newer browsers answer with a promise, which must not be taken for a cleanup.
    void wanted.current?.scrollIntoView({ block: "start" });
  }, [value]);
  const index = row.index.join(".");
  const source = (which: string) => ({ runId, task: row.task, index, which });
  const nothing = !row.output && row.inputs.length === 0 && row.artifacts.length === 0;
  return (
    <div className={css.stack}>
      {nothing && <Empty title="Nothing yet">Inputs are there when it starts, its output when it has succeeded.</Empty>}
      {row.artifacts.map((artifact) => (
        <div key={artifact.name} ref={artifact.name === value ? wanted : undefined}>
          <Part title={artifact.name}>
            <PreviewView preview={artifact.preview} source={source(`artifact:${artifact.name}`)} />
          </Part>
        </div>
      ))}
      {row.output && (
        <Part title="Output">
          <PreviewView preview={row.output} source={source("output")} />
        </Part>
      )}
      {row.inputs.map((input) => (
        <Part key={input.name} title={input.name}>
          <p className={css.from}>
            input, from <code>{input.source}</code>
          </p>
          <PreviewView preview={input.preview} source={source(`input:${input.name}`)} />
        </Part>
      ))}
      {Object.keys(row.parameters).length > 0 && (
        <Part title="Parameters, as it saw them">
          <JsonTree value={row.parameters} />
        </Part>
      )}
    </div>
  );
}
