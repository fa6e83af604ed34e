/**
 * The colours of a log line: SGR sequences (ECMA-48, 8.3.117) become spans, every other escape is dropped.
 *
 * 256 and true colours are drawn in the nearest of the sixteen, since only those have a contrast that both themes vouch for.
 */

export interface Span {
  readonly text: string;
  /** 0 to 15; -1 is the colour of text. */
  readonly color: number;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
}

type Pen = Omit<Span, "text">;

const PLAIN: Pen = { color: -1, bold: false, dim: false, italic: false, underline: false };
// eslint-disable-next-line no-control-regex
const ESCAPE = /\u001b(?:\[([0-9;:]*)([A-Za-z@`])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/g;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

/** `text` without its escapes, as it is searched and copied; what a carriage return overwrote is gone. */
export function plain(text: string): string {
  return overwritten(text).replace(ESCAPE, "").replace(CONTROL, "");
}

/** The spans of one line. */
export function spans(text: string): Span[] {
  const line = overwritten(text);
  const out: Span[] = [];
  let pen = PLAIN;
  let from = 0;
  const push = (to: number) => {
    const piece = line.slice(from, to).replace(CONTROL, "");
    if (piece) out.push({ ...pen, text: piece });
  };
  for (const match of line.matchAll(ESCAPE)) {
    push(match.index);
    from = match.index + match[0].length;
    if (match[2] === "m") pen = drawn(pen, match[1] ?? "");
  }
  push(line.length);
  return out;
}

/** Progress bars rewrite their line: the last writing is what a terminal shows. */
function overwritten(text: string): string {
  const line = text.replace(/[\r\n]+$/, "");
  return line.slice(line.lastIndexOf("\r") + 1);
}

function drawn(pen: Pen, codes: string): Pen {
  let next = pen;
  const numbers = codes === "" ? [0] : codes.split(/[;:]/).map(Number);
  for (let at = 0; at < numbers.length; at += 1) {
    const code = numbers[at] ?? 0;
    if (code === 38 || code === 48) {
      const [color, used] = extended(numbers.slice(at + 1));
      if (code === 38) next = { ...next, color };
      at += used;
    } else next = simple(next, code);
  }
  return next;
}

function simple(pen: Pen, code: number): Pen {
  if (code >= 30 && code <= 37) return { ...pen, color: code - 30 };
  if (code >= 90 && code <= 97) return { ...pen, color: code - 82 };
  switch (code) {
    case 0:
      return PLAIN;
    case 1:
      return { ...pen, bold: true };
    case 2:
      return { ...pen, dim: true };
    case 3:
      return { ...pen, italic: true };
    case 4:
      return { ...pen, underline: true };
    case 22:
      return { ...pen, bold: false, dim: false };
    case 23:
      return { ...pen, italic: false };
    case 24:
      return { ...pen, underline: false };
    case 39:
      return { ...pen, color: -1 };
    default:
      return pen;
  }
}

/** The colour after 38 or 48, and how many numbers it took. */
function extended(numbers: readonly number[]): [number, number] {
  const [mode, a = 0, b = 0, c = 0] = numbers;
  if (mode === 5) return [ofPalette(a), 2];
  if (mode === 2) return [nearest(a, b, c), 4];
  return [-1, 0];
}

function ofPalette(code: number): number {
  if (code < 16) return code;
  if (code >= 232) {
    const grey = (code - 232) * 10 + 8;
    return nearest(grey, grey, grey);
  }
  const cube = code - 16;
  const part = (value: number) => (value === 0 ? 0 : value * 40 + 55);
  return nearest(part(Math.floor(cube / 36)), part(Math.floor(cube / 6) % 6), part(cube % 6));
}

function nearest(red: number, green: number, blue: number): number {
  const most = Math.max(red, green, blue);
  const least = Math.min(red, green, blue);
  if (most - least < 40) return most < 64 ? 8 : most < 192 ? 7 : -1;
  const bright = most > 200 ? 8 : 0;
  const limit = (most + least) / 2;
  return bright + (red > limit ? 1 : 0) + (green > limit ? 2 : 0) + (blue > limit ? 4 : 0);
}
