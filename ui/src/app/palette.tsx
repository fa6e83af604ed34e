/** ⌘K: every page, pipeline, asset and recent run, and the actions of the page, by a few letters. */

import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useDeferredValue, useId, useRef, useState, type KeyboardEvent } from "react";
import { pipelinesQuery, runsQuery } from "@/api/queries";
import { useShortcuts } from "@/app/keys";
import pages from "@/app/pages.json";
import { rank } from "@/app/ranking";
import { assetsQuery } from "@/assets/queries";
import { standingOf, STANDINGS } from "@/assets/standing";
import { Dialog } from "@/design/dialog";
import { runTitle, shortId } from "@/design/words";
import css from "./palette.module.css";

interface Entry {
  id: string;
  kind: "Page" | "Pipeline" | "Asset" | "Run" | "Action";
  text: string;
  hint: string;
  run: () => void;
}

const SHOWN = 12;

export function Palette({ close, openHelp }: { close: () => void; openHelp: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const id = useId();
  const entries = useEntries(useDeferredValue(text), openHelp);
  const found = rank(entries, text, (entry) => `${entry.text} ${entry.kind} ${entry.kind === "Run" ? entry.id : ""}`).slice(0, SHOWN);
  const current = Math.min(at, found.length - 1);

  const choose = (entry: Entry | undefined) => {
    if (!entry) return;
    close();
    entry.run();
  };
  const down = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const next = (current + step + found.length) % Math.max(1, found.length);
      setAt(next);
      list.current?.children[next]?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(found[current]);
    }
  };
  return (
    <Dialog title="Find anything" close={close} place="top">
      <input
        className={css.input}
        autoFocus
        role="combobox"
        aria-label="Find a page, pipeline, asset, run or action"
        aria-expanded="true"
        aria-controls={id}
        aria-activedescendant={found[current] ? `${id}-${current}` : undefined}
        placeholder="A page, a pipeline, an asset, a run, an action…"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={down}
      />
      <ul ref={list} id={id} role="listbox" aria-label="Found" className={css.list}>
        {found.map((entry, index) => (
          <li
            key={entry.id}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === current}
            onMouseMove={() => setAt(index)}
            onClick={() => choose(entry)}
          >
            <span className={css.kind}>{entry.kind}</span>
            <span className={css.text}>{entry.text}</span>
            <span className={css.hint}>{entry.hint}</span>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className={css.none}>Nothing is called that.</p>}
    </Dialog>
  );
}

function useEntries(text: string, openHelp: () => void): Entry[] {
  const navigate = useNavigate();
  const pipelines = useQuery(pipelinesQuery());
  const assets = useQuery(assetsQuery);
  const runs = useQuery(runsQuery({ search: text.trim().length > 2 ? text.trim() : "", limit: 30 }));
  const shortcuts = useShortcuts();
  const places = pages.filter((page) => !page.path.includes("$") && page.path !== "/compare");
  return [
    ...places.map<Entry>((page) => ({
      id: page.path,
      kind: "Page",
      text: page.title,
      hint: page.key ? `g ${page.key}` : "",
      run: () => void navigate({ to: page.path }),
    })),
    ...shortcuts
      .filter((shortcut) => !shortcut.keys.startsWith("g ") && shortcut.keys !== "Mod+k" && shortcut.keys !== "?")
      .map<Entry>((shortcut) => ({
        id: `key:${shortcut.keys}`,
        kind: "Action",
        text: shortcut.words,
        hint: shortcut.keys,
        run: shortcut.run,
      })),
    { id: "help", kind: "Action", text: "Show the keys", hint: "?", run: openHelp },
    ...(pipelines.data?.items ?? []).flatMap<Entry>((pipeline) => [
      {
        id: `pipeline:${pipeline.name}`,
        kind: "Pipeline",
        text: pipeline.name,
        hint: pipeline.owner,
        run: () => void navigate({ to: "/pipelines/$name", params: { name: pipeline.name } }),
      },
      {
        id: `start:${pipeline.name}`,
        kind: "Action",
        text: `Start ${pipeline.name}`,
        hint: "",
        run: () => void navigate({ to: "/pipelines/$name/$view", params: { name: pipeline.name, view: "start" } }),
      },
    ]),
    ...(assets.data?.items ?? []).map<Entry>((asset) => ({
      id: `asset:${asset.key}`,
      kind: "Asset",
      text: asset.key,
      hint: STANDINGS[standingOf(asset)].word,
      run: () => void navigate({ to: "/assets/$key", params: { key: asset.key } }),
    })),
    ...(runs.data?.items ?? []).map<Entry>((run) => ({
      id: `run:${run.run_id}`,
      kind: "Run",
      text: `${runTitle(run)} ${shortId(run.run_id)}`,
      hint: run.state,
      run: () => void navigate({ to: "/runs/$runId", params: { runId: run.run_id } }),
    })),
  ];
}
