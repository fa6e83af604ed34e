/** Small controls of a page's filter line. */

import { useEffect, useRef, useState, type ReactNode } from "react";
import { useShortcut } from "@/app/keys";
import { Icon } from "@/design/icon";
import css from "./field.module.css";

const TYPING_MS = 180;

/** A search whose value lands in the address a moment after the last key. `/` focuses it. */
export function SearchField({ value, change, label }: { value: string; change: (value: string) => void; label: string }) {
  const [text, setText] = useState(value);
  const [known, setKnown] = useState(value);
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  if (value !== known) {
    setKnown(value);
    setText(value);
  }
  useEffect(() => () => clearTimeout(timer.current), []);
  useShortcut("/", label, () => input.current?.focus());
  return (
    <label className={css.search}>
      <Icon name="search" />
      <input
        ref={input}
        type="search"
        aria-label={label}
        placeholder={label}
        value={text}
        onChange={(event) => {
          const next = event.target.value;
          setText(next);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => change(next), TYPING_MS);
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
    </label>
  );
}

export function SelectField({
  value,
  change,
  label,
  options,
}: {
  value: string;
  change: (value: string) => void;
  label: string;
  options: readonly { value: string; text: string }[];
}) {
  return (
    <select className={css.select} aria-label={label} value={value} data-set={value !== ""} onChange={(event) => change(event.target.value)}>
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.text}
        </option>
      ))}
    </select>
  );
}

/** A filter that is on or off. */
export function Toggle({ on, change, children }: { on: boolean; change: (on: boolean) => void; children: ReactNode }) {
  return (
    <button type="button" className={css.toggle} aria-pressed={on} onClick={() => change(!on)}>
      {children}
    </button>
  );
}
