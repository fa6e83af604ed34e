/** Where the rows of each materialization, and what was expected of them, lie in a box. */

import type { AssetMeasures } from "@/api/types";

export const WIDTH = 600;
export const HEIGHT = 120;
const MARGIN = 6;

export type Point = AssetMeasures["points"][number];

export interface Dot {
  point: Point;
  x: number;
  y: number;
}

export interface Drawn {
  dots: Dot[];
  line: string;
  /** "" while nothing was expected. */
  band: string;
  low: number;
  high: number;
}

/** One step across for each materialization: runs at uneven times are as far apart as others. */
export function drawn(points: readonly Point[]): Drawn {
  const counted = points.flatMap((point) => (point.rows === null ? [] : [{ ...point, rows: point.rows }]));
  // The band of an odd past can be wide: it must not flatten what was measured.
  const rows = counted.map((point) => point.rows);
  const top = Math.max(...rows);
  const highs = counted.flatMap((point) => (point.high === null ? [] : [Math.min(point.high, 2 * top)]));
  const lows = counted.flatMap((point) => (point.low === null ? [] : [point.low]));
  const low = Math.min(...rows, ...lows);
  const high = Math.max(...rows, ...highs);
  const xOf = (at: number) => (counted.length > 1 ? (at / (counted.length - 1)) * (WIDTH - 2 * MARGIN) + MARGIN : WIDTH / 2);
  const yOf = (value: number) => {
    const share = high > low ? (Math.min(Math.max(value, low), high) - low) / (high - low) : 0.5;
    return HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN);
  };
  const dots = counted.map((point, at) => ({ point, x: xOf(at), y: yOf(point.rows) }));
  const known = counted.flatMap((point, at) => (point.low === null || point.high === null ? [] : [{ x: xOf(at), low: yOf(point.low), high: yOf(point.high) }]));
  const band = known.length > 1 ? `${path(known.map(({ x, high: y }) => [x, y]))}${path(known.toReversed().map(({ x, low: y }) => [x, y])).replace("M", "L")}Z` : "";
  return { dots, line: path(dots.map(({ x, y }) => [x, y])), band, low, high };
}

function path(points: readonly (readonly [number, number])[]): string {
  return points.map(([x, y], at) => `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}
