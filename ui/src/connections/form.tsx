/** A connection as a form, and beside it the lines for `toque.toml`: git is the truth, nothing is written behind its back. */

import { useQuery } from "@tanstack/react-query";
import { useId, useMemo, useState } from "react";
import { asProblem } from "@/api/problem";
import type { Connection, ConnectionType } from "@/api/types";
import { connectionTypesQuery } from "@/connections/queries";
import { draftOf, tomlOf, type Draft } from "@/connections/toml";
import { lineDiff } from "@/code/line-diff";
import { Button } from "@/design/button";
import { Dialog } from "@/design/dialog";
import { Icon } from "@/design/icon";
import { ProblemBox } from "@/design/problem-box";
import { Skeleton } from "@/design/skeleton";
import { Control } from "@/pipeline/schema-control";
import { fieldsOf, readAll, shown, type Field, type Schema } from "@/pipeline/schema-form";
import fields from "@/pipeline/start.module.css";
import css from "./page.module.css";

interface FormProps {
  /** What is declared, to be changed; null for a new one. */
  connection: Connection | null;
  /** Of a new one. */
  type: string;
  choose: (type: string) => void;
  taken: readonly string[];
  close: () => void;
}

export function ConnectionForm({ connection, type, choose, taken, close }: FormProps) {
  const types = useQuery(connectionTypesQuery);
  const title = connection ? `Change ${connection.name}` : "Add a connection";
  const known = types.data?.items ?? [];
  const chosen = known.find((each) => each.type === (connection?.type ?? type)) ?? (connection || !type ? known[0] : undefined);
  if (!chosen) {
    return (
      <Dialog title={title} close={close} foot={<Button onClick={close}>Close</Button>}>
        {types.error ? <ProblemBox problem={asProblem(types.error)} /> : types.data ? <p>Nothing installed knows {type}.</p> : <Skeleton rows={5} />}
      </Dialog>
    );
  }
  return <Filled key={chosen.type} title={title} connection={connection} chosen={chosen} known={known} choose={choose} taken={taken} close={close} />;
}

interface FilledProps extends Omit<FormProps, "type"> {
  title: string;
  chosen: ConnectionType;
  known: readonly ConnectionType[];
}

function Filled({ title, connection, chosen, known, choose, taken, close }: FilledProps) {
  const id = useId();
  const before = useMemo(() => (connection ? draftOf(connection) : null), [connection]);
  const asked = useMemo(() => fieldsOf(chosen.options as Schema, before ? refsOf(before.options) : {}), [chosen, before]);
  const [texts, setTexts] = useState<Record<string, string>>({});
  const [name, setName] = useState(connection?.name ?? "");
  const [slots, setSlots] = useState(connection?.slots ? String(connection.slots) : "");
  const [copied, setCopied] = useState(false);
  const read = readAll(asked, texts);
  const nameProblem = problemOf(name, connection ? [] : taken);
  const problems = Object.entries(read.problems).filter(([field]) => !before?.kept?.includes(field));
  const slotsProblem = slots === "" || /^[1-9]\d*$/.test(slots) ? "" : "Needs a whole number from 1";
  const draft: Draft = {
    name: name || "NAME",
    type: chosen.type,
    slots: slots && !slotsProblem ? Number(slots) : null,
    options: optionsOf(asked, read.parameters, before),
    kept: before?.kept ?? [],
  };
  const lines = tomlOf(draft);
  const wrong = nameProblem || slotsProblem || problems.length > 0;
  return (
    <Dialog
      title={title}
      close={close}
      foot={
        <>
          <Button onClick={close}>Close</Button>
          <Button
            kind="primary"
            disabled={Boolean(wrong)}
            onClick={() => {
              void navigator.clipboard.writeText(`${lines.join("\n")}\n`).then(() => setCopied(true));
            }}
          >
            <Icon name="copy" /> {copied ? "Copied" : "Copy the lines"}
          </Button>
        </>
      }
    >
      <form className={css.form} onSubmit={(event) => event.preventDefault()} noValidate>
        {!connection && <TypeField chosen={chosen} known={known} choose={choose} />}
        {!connection && (
          <Plain id={`${id}-name`} label="Name" value={name} change={setName} problem={name ? nameProblem : ""} hint="What tasks call it, and how the keys of its assets begin." />
        )}
        {asked.map((field) => (
          <Control
            key={field.name}
            field={field}
            text={texts[field.name] ?? shown(field, field.start)}
            change={(text) => {
              setCopied(false);
              setTexts({ ...texts, [field.name]: text });
            }}
            problem={field.name in texts ? (read.problems[field.name] ?? "") : ""}
          />
        ))}
        <Plain id={`${id}-slots`} label="Slots" value={slots} change={setSlots} problem={slotsProblem} hint="How many task runs may use it at once; empty: any number." />
      </form>
      <div className={css.lines}>
        <Where connection={connection} />
        <Lines before={before ? tomlOf(before) : null} after={lines} />
        <p className={fields.hint}>
          Nothing is written from here: the file belongs to your repository. Copy the lines into it and save; this page reads it
          each time{connection ? "" : ", and then offers to test the connection"}. Secrets stay outside: the file only says where they are kept.
          {connection && " Values are shown as this server reads them: where the file says ${NAME}, keep that."}
        </p>
      </div>
    </Dialog>
  );
}

function TypeField({ chosen, known, choose }: { chosen: ConnectionType; known: readonly ConnectionType[]; choose: (type: string) => void }) {
  const id = useId();
  return (
    <div className={fields.field}>
      <label htmlFor={id} className={fields.label}>
        Type
      </label>
      <select id={id} value={chosen.type} onChange={(event) => choose(event.target.value)}>
        {known.map((each) => (
          <option key={each.type} value={each.type}>
            {each.title}
          </option>
        ))}
      </select>
      <span className={fields.hint}>{chosen.doc}</span>
    </div>
  );
}

function Where({ connection }: { connection: Connection | null }) {
  return (
    <p>
      {connection ? "Change this in" : "Put this into"} <code>{connection?.file || "toque.toml"}</code>
      {connection?.line ? `, line ${connection.line}` : ""}:
    </p>
  );
}

function Plain({ id, label, value, change, problem, hint }: { id: string; label: string; value: string; change: (value: string) => void; problem: string; hint: string }) {
  return (
    <div className={fields.field} data-wrong={problem !== ""}>
      <label htmlFor={id} className={fields.label}>
        {label}
      </label>
      <input id={id} value={value} spellCheck={false} aria-invalid={problem ? true : undefined} aria-describedby={`${id}-hint`} onChange={(event) => change(event.target.value)} />
      {problem && <p className={fields.problem}>{problem}</p>}
      <span id={`${id}-hint`} className={fields.hint}>
        {hint}
      </span>
    </div>
  );
}

/** The lines; of one that is declared, what goes and what comes. */
function Lines({ before, after }: { before: readonly string[] | null; after: readonly string[] }) {
  const rows = before ? lineDiff(before, after) : after.map((_, at) => ({ left: 0, right: at + 1, kind: "same" as const }));
  return (
    <pre className={css.toml} tabIndex={0} aria-label="Lines for toque.toml">
      {rows.flatMap((row) => {
        const [gone, come] = [before?.[row.left - 1], after[row.right - 1]];
        if (row.kind === "same") return [<code key={`=${row.right}`}>{come}</code>];
        return [
          ...(row.left > 0 && gone !== undefined ? [<del key={`-${row.left}`}>{gone}</del>] : []),
          ...(row.right > 0 && come !== undefined ? [<ins key={`+${row.right}`}>{come}</ins>] : []),
        ];
      })}
    </pre>
  );
}

/** A secret is typed as its reference. */
function refsOf(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => {
      const secret = typeof value === "object" && value !== null && "secret" in value ? (value as { secret: unknown }).secret : undefined;
      return [key, secret ?? value];
    }),
  );
}

/** In the order of the form; what it does not ask for stays. A value that is the default needs no line. */
function optionsOf(asked: readonly Field[], given: Readonly<Record<string, unknown>>, before: Draft | null): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const field of asked) {
    const value = given[field.name];
    const stood = before && field.name in before.options;
    if (value === undefined || (!stood && JSON.stringify(value) === JSON.stringify(field.schema.default))) continue;
    options[field.name] = field.schema.format === "secret" ? { secret: value } : value;
  }
  const known = new Set(asked.map((field) => field.name));
  for (const [key, value] of Object.entries(before?.options ?? {})) if (!known.has(key)) options[key] = value;
  return options;
}

function problemOf(name: string, taken: readonly string[]): string {
  if (!name) return "Needs a name";
  if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(name)) return "A name has letters, digits, _ and -";
  return taken.includes(name) ? "There is one of this name already" : "";
}
