/** Every slice of an asset as a cell of one canvas: ten thousand cost what ten do. Shapes tell the states apart, not colours alone. */

import { useEffect, useId, useLayoutEffect, useRef, useState, type KeyboardEvent, type MouseEvent } from "react";
import type { PartitionStates } from "@/api/types";
import { at, counted, geometry, moved, type Cell, type Geometry } from "@/assets/matrix-model";
import css from "./matrix.module.css";

export const WORDS: Record<Cell, string> = { ".": "missing", m: "made", s: "stale", f: "failing" };
const TOKENS: Record<Cell, string> = { ".": "--rule-strong", m: "--succeeded", s: "--retrying", f: "--failed" };
const GAP = 2;

export interface Brushed {
  from: string;
  until: string;
}

interface MatrixProps {
  states: PartitionStates;
  chosen: Brushed | null;
  choose: (brushed: Brushed) => void;
}

export function Matrix({ states, chosen, choose }: MatrixProps) {
  const { keys, cells, across } = states;
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [cursor, setCursor] = useState(-1);
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
    if (canvas.current && width) paint(canvas.current, shape, cells, { from: Math.min(from, until), until: Math.max(from, until) });
  }, [shape, cells, from, until, width, theme]);

  const pick = (index: number, extend: boolean) => {
    const key = keys[index];
    if (key === undefined) return;
    // What lies between two cells of two dimensions is no range that the command line has.
    const start = extend && from >= 0 && across.length === 0 ? from : index;
    const [first, last] = [keys[Math.min(start, index)] ?? key, keys[Math.max(start, index)] ?? key];
    choose({ from: first, until: last === first ? "" : last });
  };
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
  const cell = cells[here] as Cell | undefined;
  return (
    <div className={css.matrix}>
      <Legend cells={cells} />
      <div
        ref={box}
        className={css.box}
        tabIndex={0}
        role="group"
        aria-label={`Partitions, ${keys.length.toLocaleString()}`}
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
            onClick={(event) => {
              const index = under(event);
              if (index >= 0) pick(index, event.shiftKey);
            }}
          />
          <i className={css.cursor} style={cursorAt(shape, here)} aria-hidden="true" />
        </div>
      </div>
      <p className={css.here} id={help} aria-live="polite">
        {hovered !== undefined && cell !== undefined ? (
          <>
            <code>{hovered}</code> {WORDS[cell]}
          </>
        ) : (
          "There is no partition yet."
        )}
        <span className="visually-hidden">. Arrows move, Enter opens one, with Shift all up to it.</span>
      </p>
    </div>
  );
}

export function Legend({ cells }: { cells: string }) {
  const counts = counted(cells);
  return (
    <ul className={css.legend}>
      {(Object.keys(WORDS) as Cell[]).map((cell) => (
        <li key={cell} data-none={counts[cell] === 0}>
          <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
            <Shape cell={cell} />
          </svg>
          {counts[cell].toLocaleString()} {WORDS[cell]}
        </li>
      ))}
    </ul>
  );
}

function Shape({ cell }: { cell: Cell }) {
  const colour = `var(${TOKENS[cell]})`;
  if (cell === ".") return <rect x="1" y="1" width="10" height="10" fill="none" stroke={colour} />;
  if (cell === "s") return <path d="M1 11V1h10z" fill={colour} />;
  return (
    <>
      <rect width="12" height="12" fill={colour} />
      {cell === "f" && <path d="M3 3l6 6M9 3l-6 6" stroke="var(--sheet)" strokeWidth="2" />}
    </>
  );
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

function paint(canvas: HTMLCanvasElement, shape: Geometry, cells: string, chosen: { from: number; until: number }): void {
  const { columns, rows, pitch } = shape;
  const scale = window.devicePixelRatio || 1;
  canvas.width = columns * pitch * scale;
  canvas.height = rows * pitch * scale;
  const pen = canvas.getContext("2d");
  if (!pen) return;
  pen.scale(scale, scale);
  const style = getComputedStyle(canvas);
  const colour = (token: string) => style.getPropertyValue(token).trim();
  const colours = { ".": colour(TOKENS["."]), m: colour(TOKENS.m), s: colour(TOKENS.s), f: colour(TOKENS.f) };
  const [ink, sheet, side] = [colour("--ink"), colour("--sheet"), pitch - GAP];
  for (let index = 0; index < cells.length; index += 1) {
    const cell = cells[index] as Cell;
    const [x, y] = [(index % columns) * pitch, Math.floor(index / columns) * pitch];
    pen.fillStyle = pen.strokeStyle = colours[cell];
    pen.lineWidth = 1;
    pen.beginPath();
    if (cell === ".") pen.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
    else if (cell === "s") {
      pen.moveTo(x, y + side);
      pen.lineTo(x, y);
      pen.lineTo(x + side, y);
      pen.fill();
    } else pen.fillRect(x, y, side, side);
    if (cell === "f") {
      const inset = side / 4;
      pen.strokeStyle = sheet;
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.moveTo(x + inset, y + inset);
      pen.lineTo(x + side - inset, y + side - inset);
      pen.moveTo(x + side - inset, y + inset);
      pen.lineTo(x + inset, y + side - inset);
      pen.stroke();
    }
    if (index >= chosen.from && index <= chosen.until && chosen.from >= 0) {
      pen.strokeStyle = ink;
      pen.lineWidth = 2;
      pen.strokeRect(x + 1, y + 1, side - 2, side - 2);
    }
  }
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
