/** Draws the cells of a matrix on one canvas. */

import type { Look, Looks } from "@/assets/matrix-looks";
import { isChosen, type Geometry } from "@/assets/matrix-model";

const GAP = 2;

export interface Chosen {
  from: number;
  until: number;
  /** Columns of two dimensions; 0 for one. */
  across: number;
}

export function paint(canvas: HTMLCanvasElement, shape: Geometry, cells: string, looks: Looks, chosen: Chosen): void {
  const { columns, rows, pitch } = shape;
  const scale = window.devicePixelRatio || 1;
  canvas.width = columns * pitch * scale;
  canvas.height = rows * pitch * scale;
  const pen = canvas.getContext("2d");
  if (!pen) return;
  pen.scale(scale, scale);
  const style = getComputedStyle(canvas);
  const colour = (token: string) => style.getPropertyValue(token).trim();
  const colours = Object.fromEntries(Object.entries(looks).map(([cell, look]) => [cell, colour(look.token)]));
  const [ink, sheet, side] = [colour("--ink"), colour("--sheet"), pitch - GAP];
  for (let index = 0; index < cells.length; index += 1) {
    const cell = cells[index] ?? ".";
    const look = looks[cell];
    if (!look) continue;
    const [x, y] = [(index % columns) * pitch, Math.floor(index / columns) * pitch];
    pen.fillStyle = pen.strokeStyle = colours[cell] ?? ink;
    drawn(pen, look, { x, y, side, sheet });
    if (isChosen(index, chosen.from, chosen.until, chosen.across)) {
      pen.strokeStyle = ink;
      pen.lineWidth = 2;
      pen.strokeRect(x + 1, y + 1, side - 2, side - 2);
    }
  }
}

function drawn(pen: CanvasRenderingContext2D, look: Look, { x, y, side, sheet }: { x: number; y: number; side: number; sheet: string }): void {
  pen.lineWidth = 1;
  pen.beginPath();
  if (look.shape === "box") {
    pen.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
    return;
  }
  if (look.shape === "corner") {
    pen.moveTo(x, y + side);
    pen.lineTo(x, y);
    pen.lineTo(x + side, y);
    pen.fill();
    return;
  }
  pen.fillRect(x, y, side, side);
  if (look.shape === "cross") {
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
}
