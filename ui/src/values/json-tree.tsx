/** JSON that unfolds: containers open level by level, long ones a hundred at a time. */

import { useState, type ReactNode } from "react";
import { Icon } from "@/design/icon";
import css from "./values.module.css";

const STEP = 100;
const LONG = 2_000;

export function JsonTree({ value, open = 1 }: { value: unknown; open?: number }) {
  return (
    <div className={css.tree} role="tree">
      <Entry value={value} open={open} />
    </div>
  );
}

function Entry({ name, value, open }: { name?: string; value: unknown; open: number }) {
  const isContainer = typeof value === "object" && value !== null;
  const [unfolded, setUnfolded] = useState(open > 0);
  const [shown, setShown] = useState(STEP);
  const label = name === undefined ? null : <span className={css.key}>{name}: </span>;
  if (!isContainer) {
    return (
      <div role="treeitem" className={css.leaf}>
        {label}
        <Scalar value={value} />
      </div>
    );
  }
  const entries = Object.entries(value);
  return (
    <div role="treeitem" aria-expanded={unfolded}>
      <button type="button" className={css.fold} onClick={() => setUnfolded(!unfolded)}>
        <Icon name={unfolded ? "down" : "right"} size={10} />
        {label}
        <span className={css.size}>{sizeOf(value, entries.length)}</span>
      </button>
      {unfolded && (
        <div role="group" className={css.inner}>
          {entries.slice(0, shown).map(([key, each]) => (
            <Entry key={key} name={key} value={each} open={open - 1} />
          ))}
          {entries.length > shown && (
            <button type="button" className={css.more} onClick={() => setShown(shown + STEP)}>
              {(entries.length - shown).toLocaleString()} more
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function sizeOf(value: object, length: number): string {
  return Array.isArray(value) ? `[${length}]` : `{${length}}`;
}

export function Scalar({ value }: { value: unknown }): ReactNode {
  if (value === null || value === undefined) return <span className={css.null}>null</span>;
  if (typeof value === "string")
    return <span className={css.string}>{value.length > LONG ? `${value.slice(0, LONG)}…` : value}</span>;
  if (typeof value === "object") return <span>{JSON.stringify(value)}</span>;
  return <span className={css.number}>{String(value)}</span>;
}
