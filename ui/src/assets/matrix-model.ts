/** The geometry of a partition matrix: where a slice stands, which one lies under a point, and where keys lead. */

export interface Geometry {
  readonly columns: number;
  readonly rows: number;
  /** Of a cell with the gap behind it, in pixels. */
  readonly pitch: number;
  readonly count: number;
}

/** Above it cells are small, so that the canvas stays one that browsers can draw. */
const MANY = 4_000;

export function geometry(count: number, width: number, across: number): Geometry {
  const pitch = count > MANY ? 8 : 15;
  const room = Math.max(1, Math.floor(width / pitch));
  // Of two dimensions a row is a row; the canvas grows sideways if it has to.
  const columns = Math.max(1, across || Math.min(room, count));
  return { columns, rows: Math.ceil(count / columns), pitch, count };
}

/** The slice under a point, or -1. */
export function at({ columns, pitch, count }: Geometry, x: number, y: number): number {
  const column = Math.floor(x / pitch);
  if (column < 0 || column >= columns || y < 0) return -1;
  const found = Math.floor(y / pitch) * columns + column;
  return found < count ? found : -1;
}

/** Where an arrow, Home or End leads from a slice; null for other keys. */
export function moved({ columns, count }: Geometry, from: number, key: string): number | null {
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
  if (step !== undefined) {
    const next = from + step;
    return next >= 0 && next < count ? next : from;
  }
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : null;
}

/** How many cells of each letter there are. */
export function counted(cells: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const cell of cells) found[cell] = (found[cell] ?? 0) + 1;
  return found;
}

/** Whether a slice is chosen: between two in one dimension, in the rectangle that two span in two dimensions. */
export function isChosen(index: number, from: number, until: number, across: number): boolean {
  if (from < 0 || until < 0) return false;
  if (!across) return index >= Math.min(from, until) && index <= Math.max(from, until);
  const within = (one: number, other: number, place: number) => place >= Math.min(one, other) && place <= Math.max(one, other);
  return (
    within(Math.floor(from / across), Math.floor(until / across), Math.floor(index / across)) &&
    within(from % across, until % across, index % across)
  );
}

/** The chosen slices as the command line and the API take them: `2013-01..2013-03`, or `2013-01..2013-03|eu..us`. */
export function rangeText(from: string, until: string): string {
  if (!until || until === from) return from;
  const [row = "", column] = from.split("|");
  const [lastRow = "", lastColumn] = until.split("|");
  const range = (first: string, last: string) => (first === last ? first : `${first}..${last}`);
  if (column === undefined || lastColumn === undefined) return range(from, until);
  return `${range(row, lastRow)}|${range(column, lastColumn)}`;
}

/** What to type for the slices from one to another, or for those that were never made. */
export function command(asset: string, partitions: { from?: string | undefined; until?: string | undefined; isCut: boolean }): string {
  const { from, until, isCut } = partitions;
  const start = `toque materialize ${asset}`;
  if (!isCut) return start;
  if (!from) return `${start} --missing`;
  const text = rangeText(from, until ?? "");
  return `${start} --partitions ${/^[\w.:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`}`;
}
