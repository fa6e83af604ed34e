/** Every slice of an asset as a cell of one canvas: ten thousand cost what ten do. Shapes tell the states apart, not colours alone. */

import { useEffect, useId, useLayoutEffect, useRef, useState, type KeyboardEvent, type MouseEvent } from "react";
import { SLICES, type Look, type Looks } from "@/assets/matrix-looks";
import { at, counted, geometry, moved, type Geometry } from "@/assets/matrix-model";
import { paint } from "@/assets/matrix-paint";
import css from "./matrix.module.css";

export interface Brushed {
  from: string;
  until: string;
}

export interface Cells {
  keys: readonly string[];
  /** One letter for each key. */
  cells: string;
  /** Keys of the second dimension. */
  across: readonly string[];
}

interface MatrixProps {
  states: Cells;
  chosen: Brushed | null;
  choose: (brushed: Brushed) => void;
  looks?: Looks;
  label?: string;
}

export function Matrix({ states, chosen, choose, looks = SLICES, label = "Partitions" }: MatrixProps) {
  const { keys, cells, across } = states;
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [cursor, setCursor] = useState(-1);
  /** Where a drag began; -1 while there is none. */
  const [pressed, setPressed] = useState(-1);
  const theme = useThemeChange();
  const help = useId();
  const shape = geometry(keys.length, width, across.length);
  const from = chosen ? keys.indexOf(chosen.from) : -1;
  const until = chosen?.until ? keys.indexOf(chosen.until) : from;
  const here = cursor >= 0 && cursor < keys.length ? cursor : Math.max(0, until);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => setWidth(element.clientWidth);
    measure();
    const watcher = new ResizeObserver(measure);
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);
  useEffect(() => {
    if (!canvas.current || !width) return;
    const dragged = pressed >= 0 && cursor >= 0;
    const brush = dragged ? { from: pressed, until: cursor } : { from, until };
    paint(canvas.current, shape, cells, looks, { ...brush, across: across.length });
  }, [shape, cells, from, until, width, theme, pressed, cursor, looks, across.length]);

  const brush = (start: number, end: number) => {
    const [first, last] = [keys[start], keys[end]];
    if (first === undefined || last === undefined) return;
    if (start === end) choose({ from: first, until: "" });
    else if (across.length === 0) choose(start < end ? { from: first, until: last } : { from: last, until: first });
    else choose(corners(keys, start, end, across.length));
  };
  const pick = (index: number, extend: boolean) => brush(extend && from >= 0 ? from : index, index);
  const down = (event: KeyboardEvent) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      pick(here, event.shiftKey);
      return;
    }
    const next = moved(shape, here, event.key);
    if (next === null) return;
    event.preventDefault();
    setCursor(next);
    scrollTo(box.current, shape, next);
  };
  const under = (event: MouseEvent<HTMLCanvasElement>) => {
    const place = event.currentTarget.getBoundingClientRect();
    return at(shape, event.clientX - place.left, event.clientY - place.top);
  };
  const hovered = keys[here];
  const look = looks[cells[here] ?? ""];
  return (
    <div className={css.matrix}>
      <Legend cells={cells} looks={looks} />
      <div
        ref={box}
        className={css.box}
        tabIndex={0}
        role="group"
        aria-label={`${label}, ${keys.length.toLocaleString()}`}
        aria-describedby={help}
        onKeyDown={down}
      >
        <div className={css.canvas} style={{ width: shape.columns * shape.pitch, height: shape.rows * shape.pitch }}>
          <canvas
            ref={canvas}
            aria-hidden="true"
            onMouseMove={(event) => {
              const index = under(event);
              if (index >= 0) setCursor(index);
            }}
            onMouseDown={(event) => {
              const index = under(event);
              if (index >= 0 && event.button === 0 && !event.shiftKey) setPressed(index);
            }}
            onMouseLeave={() => setPressed(-1)}
            onMouseUp={(event) => {
              const index = under(event);
              if (index >= 0 && event.shiftKey) pick(index, true);
              else if (index >= 0 && pressed >= 0) brush(pressed, index);
              setPressed(-1);
            }}
          />
          <i className={css.cursor} style={cursorAt(shape, here)} aria-hidden="true" />
        </div>
      </div>
      <p className={css.here} id={help} aria-live="polite">
        {hovered !== undefined && look ? (
          <>
            <code>{hovered}</code> {look.word}
          </>
        ) : (
          "There is no partition yet."
        )}
        <span className="visually-hidden">. Arrows move, Enter opens one, with Shift all up to it.</span>
      </p>
    </div>
  );
}

export function Legend({ cells, looks = SLICES }: { cells: string; looks?: Looks }) {
  const counts = counted(cells);
  return (
    <ul className={css.legend}>
      {Object.entries(looks).map(([cell, look]) => (
        <li key={cell} data-none={!counts[cell]}>
          <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
            <Shape look={look} />
          </svg>
          {(counts[cell] ?? 0).toLocaleString()} {look.word}
        </li>
      ))}
    </ul>
  );
}

function Shape({ look }: { look: Look }) {
  const colour = `var(${look.token})`;
  if (look.shape === "box") return <rect x="1" y="1" width="10" height="10" fill="none" stroke={colour} />;
  if (look.shape === "corner") return <path d="M1 11V1h10z" fill={colour} />;
  return (
    <>
      <rect width="12" height="12" fill={colour} />
      {look.shape === "cross" && <path d="M3 3l6 6M9 3l-6 6" stroke="var(--sheet)" strokeWidth="2" />}
    </>
  );
}

/** The first and the last key of the rectangle that two cells span. */
function corners(keys: readonly string[], start: number, end: number, across: number): Brushed {
  const rows = [Math.floor(start / across), Math.floor(end / across)];
  const columns = [start % across, end % across];
  const key = (choose: (...of: number[]) => number) => keys[choose(...rows) * across + choose(...columns)] ?? "";
  return { from: key(Math.min), until: key(Math.max) };
}

function cursorAt({ columns, pitch }: Geometry, index: number) {
  return { left: (index % columns) * pitch - 1, top: Math.floor(index / columns) * pitch - 1, width: pitch, height: pitch };
}

function scrollTo(box: HTMLElement | null, { columns, pitch }: Geometry, index: number): void {
  if (!box) return;
  const top = Math.floor(index / columns) * pitch;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + pitch > box.scrollTop + box.clientHeight) box.scrollTop = top + pitch - box.clientHeight;
}

/** Grows when the colours of the page change: a canvas does not follow them by itself. */
function useThemeChange(): number {
  const [changes, setChanges] = useState(0);
  useEffect(() => {
    const told = () => setChanges((n) => n + 1);
    const preferred = window.matchMedia("(prefers-color-scheme: dark)");
    preferred.addEventListener("change", told);
    const watcher = new MutationObserver(told);
    watcher.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return () => {
      preferred.removeEventListener("change", told);
      watcher.disconnect();
    };
  }, []);
  return changes;
}
