/** What changed between two texts, line by line, as rows of two columns (Myers, "An O(ND) difference algorithm", 1986). */

export interface DiffRow {
  /** Line numbers from 1; 0 where that side has nothing. */
  readonly left: number;
  readonly right: number;
  readonly kind: "same" | "added" | "removed" | "changed";
}

/** A stretch of equal lines that is folded. */
export interface Gap {
  readonly kind: "gap";
  readonly from: number;
  readonly count: number;
}

/** Beyond so many differences the texts have nothing to do with each other: all of one is followed by all of the other. */
const MOST = 4_000;

export function lineDiff(before: readonly string[], after: readonly string[]): DiffRow[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  while (
    tail < before.length - head &&
    tail < after.length - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  )
    tail += 1;
  const rows: DiffRow[] = [];
  for (let at = 0; at < head; at += 1) rows.push({ left: at + 1, right: at + 1, kind: "same" });
  rows.push(...paired(middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)), head));
  for (let at = tail; at > 0; at -= 1)
    rows.push({ left: before.length - at + 1, right: after.length - at + 1, kind: "same" });
  return rows;
}

type Edit = { kind: "same" | "added" | "removed"; left: number; right: number };

function middle(a: readonly string[], b: readonly string[]): Edit[] {
  const trace: Map<number, number>[] = [];
  const ends = new Map<number, number>([[1, 0]]);
  const most = Math.min(MOST, a.length + b.length);
  for (let d = 0; d <= most; d += 1) {
    trace.push(new Map(ends));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (ends.get(k - 1) ?? -1) < (ends.get(k + 1) ?? -1));
      let x = down ? (ends.get(k + 1) ?? 0) : (ends.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      ends.set(k, x);
      if (x >= a.length && x - k >= b.length) return walkedBack(trace, a.length, b.length);
    }
  }
  const gone: Edit[] = a.map((_, at) => ({ kind: "removed", left: at, right: -1 }));
  return [...gone, ...b.map((_, at): Edit => ({ kind: "added", left: -1, right: at }))];
}

function walkedBack(trace: readonly Map<number, number>[], length: number, width: number): Edit[] {
  const edits: Edit[] = [];
  let [x, y] = [length, width];
  for (let d = trace.length - 1; d >= 0; d -= 1) {
    const ends = trace[d] ?? new Map<number, number>();
    const k = x - y;
    const down = k === -d || (k !== d && (ends.get(k - 1) ?? -1) < (ends.get(k + 1) ?? -1));
    const from = down ? k + 1 : k - 1;
    const fromX = ends.get(from) ?? 0;
    const fromY = fromX - from;
    while (x > fromX && y > fromY && x > 0 && y > 0) edits.push({ kind: "same", left: --x, right: --y });
    if (d === 0) break;
    if (down) edits.push({ kind: "added", left: -1, right: --y });
    else edits.push({ kind: "removed", left: --x, right: -1 });
  }
  return edits.reverse();
}

/** Removed lines beside the added ones that took their place. */
function paired(edits: readonly Edit[], offset: number): DiffRow[] {
  const rows: DiffRow[] = [];
  let removed: number[] = [];
  let added: number[] = [];
  const flush = () => {
    for (let at = 0; at < Math.max(removed.length, added.length); at += 1) {
      const [left, right] = [removed[at], added[at]];
      const kind = left === undefined ? "added" : right === undefined ? "removed" : "changed";
      rows.push({
        left: left === undefined ? 0 : left + offset + 1,
        right: right === undefined ? 0 : right + offset + 1,
        kind,
      });
    }
    removed = [];
    added = [];
  };
  for (const edit of edits) {
    if (edit.kind === "removed") removed.push(edit.left);
    else if (edit.kind === "added") added.push(edit.right);
    else {
      flush();
      rows.push({ left: edit.left + offset + 1, right: edit.right + offset + 1, kind: "same" });
    }
  }
  flush();
  return rows;
}

/** Equal stretches folded to `around` lines on each side of what changed. */
export function withGaps(rows: readonly DiffRow[], around = 4): (DiffRow | Gap)[] {
  const near = new Set<number>();
  rows.forEach((row, at) => {
    if (row.kind === "same") return;
    for (let each = at - around; each <= at + around; each += 1) near.add(each);
  });
  const out: (DiffRow | Gap)[] = [];
  for (let at = 0; at < rows.length; at += 1) {
    const row = rows[at];
    if (!row) break;
    if (near.has(at)) {
      out.push(row);
      continue;
    }
    let count = 0;
    while (at + count < rows.length && !near.has(at + count)) count += 1;
    if (count < 3) out.push(...rows.slice(at, at + count));
    else out.push({ kind: "gap", from: at, count });
    at += count - 1;
  }
  return out;
}
