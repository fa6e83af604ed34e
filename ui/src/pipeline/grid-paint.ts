/** Paints the part of the grid that is in sight: cost depends on the screen, never on how many runs or tasks there are. */

import { toneOf } from "@/design/state";
import { cellAt, changesVersion, versionLabels, visible, type GridRow } from "@/pipeline/grid-model";
import type { Sprites } from "@/pipeline/sprites";
import type { GridRun } from "@/run/types";

export const CELL = 20;
export const ROW = 24;
export const HEAD = 76;
const ICON = 14;

export interface Scene {
  readonly rows: readonly GridRow[];
  readonly columns: readonly GridRun[];
  /** Of the room: where the columns begin, its size, how far it is scrolled. */
  readonly labels: number;
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
  /** Row and column of the pointer or the keyboard; -1 is none. */
  readonly row: number;
  readonly column: number;
}

export function paint(pen: CanvasRenderingContext2D, scene: Scene, pictures: Sprites, ratio: number): void {
  const { rows, columns, labels, width, height, left, top } = scene;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const [firstColumn, endColumn] = visible(left, width - labels, CELL, columns.length);
  const [firstRow, endRow] = visible(top, height - HEAD, ROW, rows.length);
  const x = (column: number) => labels + column * CELL - left;
  const y = (row: number) => HEAD + row * ROW - top;
  pen.save();
  pen.beginPath();
  pen.rect(labels, HEAD, width - labels, height - HEAD);
  pen.clip();
  pen.fillStyle = pictures.color("hover");
  if (scene.row >= 0) pen.fillRect(labels, y(scene.row), width, ROW);
  if (scene.column >= 0) pen.fillRect(x(scene.column), HEAD, CELL, height);
  for (let at = firstRow; at < endRow; at += 1) {
    const row = rows[at];
    if (!row) continue;
    pen.globalAlpha = row.kind === "group" && !row.folded ? 0.35 : 1;
    for (let column = firstColumn; column < endColumn; column += 1) {
      const run = columns[column];
      const picture = run && pictures.of.get(cellAt(run, row));
      if (picture) pen.drawImage(picture, x(column) + (CELL - ICON) / 2, y(at) + (ROW - ICON) / 2, ICON, ICON);
    }
  }
  pen.globalAlpha = 1;
  versions(pen, scene, pictures, x, [firstColumn, endColumn]);
  pen.restore();
  heads(pen, scene, pictures, x, [firstColumn, endColumn]);
  if (scene.row >= 0 && scene.column >= 0) {
    pen.strokeStyle = pictures.color("ink");
    pen.lineWidth = 1.5;
    pen.strokeRect(x(scene.column) + 1, y(scene.row) + 2, CELL - 2, ROW - 4);
  }
}

/** A dashed line where another version begins. */
function versions(
  pen: CanvasRenderingContext2D,
  scene: Scene,
  pictures: Sprites,
  x: (column: number) => number,
  [first, end]: [number, number],
): void {
  pen.strokeStyle = pictures.color("copper");
  pen.lineWidth = 1;
  pen.setLineDash([3, 3]);
  for (let column = first; column < end; column += 1) {
    if (!changesVersion(scene.columns, column)) continue;
    pen.beginPath();
    pen.moveTo(x(column) + 0.5, HEAD);
    pen.lineTo(x(column) + 0.5, scene.height);
    pen.stroke();
  }
  pen.setLineDash([]);
}

/** A bar for each run: its height is its duration beside the longest in sight, its colour and sign the outcome. */
function heads(
  pen: CanvasRenderingContext2D,
  scene: Scene,
  pictures: Sprites,
  x: (column: number) => number,
  [first, end]: [number, number],
): void {
  const { columns, labels, width } = scene;
  pen.save();
  pen.beginPath();
  pen.rect(labels, 0, width - labels, HEAD);
  pen.clip();
  const shown = columns.slice(first, end);
  const longest = Math.max(1, ...shown.map(lengthOf));
  const room = HEAD - 22;
  const labelled = new Map(versionLabels(columns, end).map((label) => [label.column, label.text]));
  shown.forEach((run, at) => {
    const left = x(first + at);
    const height = run.finished_us ? Math.max(3, Math.sqrt(lengthOf(run) / longest) * room) : room * 0.5;
    pen.fillStyle = pictures.color(toneOf(run.state));
    pen.globalAlpha = run.finished_us ? 1 : 0.45;
    pen.fillRect(left + 3, HEAD - 4 - height, CELL - 6, height);
    pen.globalAlpha = 1;
    if (run.state === "failed") {
      pen.strokeStyle = pictures.color("sheet");
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.moveTo(left + 7, HEAD - 13);
      pen.lineTo(left + 13, HEAD - 7);
      pen.moveTo(left + 13, HEAD - 13);
      pen.lineTo(left + 7, HEAD - 7);
      if (height > 12) pen.stroke();
    }
    if (changesVersion(columns, first + at)) {
      pen.fillStyle = pictures.color("copper");
      pen.font = "600 10px 'JetBrains Mono Variable', monospace";
      pen.fillText(labelled.get(first + at) ?? "", left + 2, 11);
      pen.fillRect(left, 0, 1, HEAD);
    }
  });
  pen.restore();
}

export function lengthOf(run: GridRun): number {
  return run.started_us && run.finished_us ? run.finished_us - run.started_us : 0;
}
