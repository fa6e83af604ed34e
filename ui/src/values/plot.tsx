/** A small line plot of a series, drawn for a panel; the numbers are beside it for those who cannot see it. */

import { useId } from "react";
import css from "./values.module.css";

const WIDTH = 320;
const HEIGHT = 84;

/** The path of points in a box, with the largest value at the top. */
export function linePath(points: readonly (readonly [number, number])[], width = WIDTH, height = HEIGHT): string {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  return points
    .map(([x, y], at) => {
      const across = right > left ? ((x - left) / (right - left)) * width : width / 2;
      const up = high > low ? ((y - low) / (high - low)) * (height - 8) : (height - 8) / 2;
      return `${at ? "L" : "M"}${across.toFixed(1)} ${(height - 4 - up).toFixed(1)}`;
    })
    .join("");
}

/** A number as a person reads it: six digits of it. */
export function figure(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString();
  return Math.abs(value) >= 1e6 || Math.abs(value) < 1e-4
    ? value.toExponential(3)
    : value.toLocaleString(undefined, { maximumSignificantDigits: 6 });
}

export function Series({ name, points }: { name: string; points: readonly (readonly [number, number])[] }) {
  const title = useId();
  const last = points[points.length - 1]?.[1];
  const ys = points.map(([, y]) => y);
  return (
    <figure className={css.series} aria-labelledby={title}>
      <figcaption id={title}>
        <code>{name}</code> <strong>{last === undefined ? "–" : figure(last)}</strong>
        {points.length > 1 && (
          <span className={css.range}>
            {" "}
            of {points.length.toLocaleString()}: {figure(Math.min(...ys))} to {figure(Math.max(...ys))}
          </span>
        )}
      </figcaption>
      {points.length > 1 && (
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          <path
            d={linePath(points)}
            fill="none"
            stroke="var(--running)"
            strokeWidth="1.500"
            vectorEffect="non-scaling-stroke"
          />
        </svg>
      )}
    </figure>
  );
}
