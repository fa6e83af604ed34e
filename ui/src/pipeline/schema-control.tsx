/** One field of a form that is made of a JSON Schema: its label, its control, what is wrong with it, and what it is for. */

import { useId } from "react";
import { bounds, type Field } from "@/pipeline/schema-form";
import { Markdown } from "@/values/markdown";
import css from "./start.module.css";

interface ControlProps {
  field: Field;
  text: string;
  change: (text: string) => void;
  problem: string;
}

export function Control({ field, text, change, problem }: ControlProps) {
  const id = useId();
  const hint = [field.kind === "list" && "one on each line", field.kind === "json" && "as JSON", bounds(field)]
    .filter(Boolean)
    .join(", ");
  const described =
    [problem && `${id}-problem`, (hint || field.description) && `${id}-hint`].filter(Boolean).join(" ") || undefined;
  const shared = {
    id,
    name: field.name,
    "aria-describedby": described,
    "aria-invalid": problem ? true : undefined,
    "aria-required": field.required || undefined,
  };
  return (
    <div className={css.field} data-wrong={problem !== ""}>
      <label htmlFor={id} className={css.label}>
        {field.label}
        {field.label !== field.name && <code>{field.name}</code>}
        {field.required && <span>required</span>}
      </label>
      <Input field={field} text={text} change={change} shared={shared} />
      {problem && (
        <p id={`${id}-problem`} className={css.problem}>
          {problem}
        </p>
      )}
      {(hint || field.description) && (
        <div id={`${id}-hint`} className={css.hint}>
          {field.description && <Markdown text={field.description} />}
          {hint}
        </div>
      )}
    </div>
  );
}

function Input({
  field,
  text,
  change,
  shared,
}: {
  field: Field;
  text: string;
  change: (text: string) => void;
  shared: Record<string, unknown>;
}) {
  switch (field.kind) {
    case "switch":
      return (
        <input
          {...shared}
          type="checkbox"
          checked={text === "true"}
          onChange={(event) => change(String(event.target.checked))}
        />
      );
    case "choice":
      return (
        <select {...shared} value={text} onChange={(event) => change(event.target.value)}>
          {(!field.required || text === "") && <option value="">{field.nullable ? "none" : "choose"}</option>}
          {field.choices.map((choice, at) => (
            <option key={at} value={String(at)}>
              {String(choice)}
            </option>
          ))}
        </select>
      );
    case "json":
    case "list":
      return (
        <textarea
          {...shared}
          rows={Math.min(10, Math.max(3, text.split("\n").length))}
          spellCheck={false}
          value={text}
          onChange={(event) => change(event.target.value)}
        />
      );
    case "integer":
    case "number":
      return (
        <input
          {...shared}
          inputMode={field.kind === "integer" ? "numeric" : "decimal"}
          value={text}
          onChange={(event) => change(event.target.value)}
        />
      );
    case "date":
      return <input {...shared} type="date" value={text} onChange={(event) => change(event.target.value)} />;
    default:
      return (
        <input
          {...shared}
          type="text"
          spellCheck={false}
          placeholder={
            field.kind === "datetime" ? "2026-11-22T07:00:00Z" : field.kind === "time" ? "07:00:00" : undefined
          }
          value={text}
          onChange={(event) => change(event.target.value)}
        />
      );
  }
}
