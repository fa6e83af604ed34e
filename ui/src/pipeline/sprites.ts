/** Cells of the grid as pictures, drawn once for each state, theme and density of pixels: the canvas only copies them. */

import { LOOKS, toneOf } from "@/design/state";
import { STATE_OF } from "@/pipeline/grid-model";

export interface Sprites {
  readonly of: ReadonlyMap<string, HTMLCanvasElement>;
  readonly color: (token: string) => string;
}

export function sprites(element: HTMLElement, size: number, ratio: number): Sprites {
  const style = getComputedStyle(element);
  const colors = new Map<string, string>();
  const color = (token: string) => {
    const known = colors.get(token) ?? style.getPropertyValue(`--${token}`).trim();
    colors.set(token, known);
    return known;
  };
  const of = new Map<string, HTMLCanvasElement>();
  for (const [letter, state] of Object.entries(STATE_OF)) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = Math.round(size * ratio);
    const pen = canvas.getContext("2d");
    if (!pen) continue;
    const look = LOOKS[state];
    pen.scale((size * ratio) / 16, (size * ratio) / 16);
    pen.fillStyle = pen.strokeStyle = color(toneOf(state));
    pen.lineWidth = 1.9;
    pen.lineCap = pen.lineJoin = "round";
    if (look.fill) pen.fill(new Path2D(look.fill));
    if (look.line) pen.stroke(new Path2D(look.line));
    if (look.cut) {
      pen.strokeStyle = color("sheet");
      pen.stroke(new Path2D(look.cut));
    }
    of.set(letter, canvas);
  }
  return { of, color };
}
