/**
 * Which boxes a graph shows: groups folded or open, twins bundled, and at most as many as a person can look at.
 *
 * The layout and the drawing cost by visible box, so that everything above the limits is folded here, before either
 * of them sees it: Dagster's lineage hung at 200 assets because it laid out all that there was.
 */

export interface FoldNode {
  readonly id: string;
  readonly label: string;
  readonly kind: string;
  readonly group: string | null;
}

export interface FoldEdge {
  readonly source: string;
  readonly target: string;
  readonly kind: string;
  readonly label: string | null;
}

export interface FoldGroup {
  readonly id: string;
  readonly label: string;
  readonly parent: string | null;
}

export interface FoldInput {
  readonly nodes: readonly FoldNode[];
  readonly edges: readonly FoldEdge[];
  readonly groups: readonly FoldGroup[];
}

/** A box: a task, a folded group or a bundle of twins; `members` are the tasks that it stands for. */
export interface Box {
  readonly id: string;
  readonly label: string;
  readonly kind: "task" | "group" | "twins";
  readonly parent: string | null;
  readonly members: readonly string[];
  /** Lines that it unfolds below its name; none unless stated. */
  readonly rows?: number;
}

export interface Frame {
  readonly id: string;
  readonly label: string;
  readonly parent: string | null;
  readonly size: number;
}

export interface Wire {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  readonly kind: string;
  readonly label: string;
}

/** What is drawn. `hidden` counts the tasks that the focus left out. */
export interface Folded {
  readonly boxes: readonly Box[];
  readonly frames: readonly Frame[];
  readonly wires: readonly Wire[];
  readonly hidden: number;
}

/** Up to here a graph opens with its groups open. */
export const OPEN_LIMIT = 60;
/** Above this, tasks with the same neighbours become one box. */
export const TWIN_LIMIT = 150;
/** Never more boxes than this; beyond, the surroundings of what matters. */
export const BOX_LIMIT = 600;

/** The groups that are folded when a graph is first opened. */
export function foldedAtFirst(input: FoldInput, limit = OPEN_LIMIT): Set<string> {
  if (input.nodes.length <= limit) return new Set();
  return new Set(input.groups.map((group) => group.id));
}

/** Draw `input` with `folded` groups shut and at most `limit` boxes, those near to `focus` first. */
export function fold(
  input: FoldInput,
  folded: ReadonlySet<string>,
  focus: readonly string[] = [],
  limit = BOX_LIMIT,
): Folded {
  const whole = wholeOf(input, folded);
  // The focus of a live run moves all the time: where everything has room it changes nothing.
  if (whole.boxes.length <= limit) return whole;
  const kept = nearest(whole.boxes, whole.wires, focus, limit);
  const boxes = whole.boxes.filter((box) => kept.has(box.id));
  const wires = whole.wires.filter((wire) => kept.has(wire.source) && kept.has(wire.target));
  const hidden = whole.boxes.reduce((sum, box) => sum + (kept.has(box.id) ? 0 : box.members.length), 0);
  return { boxes, frames: framesOf(boxes, input.groups), wires, hidden };
}

/** The last one of each graph: to go through 10,000 tasks takes a while. */
const known = new WeakMap<FoldInput, { folded: ReadonlySet<string>; whole: Folded }>();

function wholeOf(input: FoldInput, folded: ReadonlySet<string>): Folded {
  const last = known.get(input);
  if (last?.folded === folded) return last.whole;
  const whole = folding(input, folded);
  known.set(input, { folded, whole });
  return whole;
}

/** All boxes and wires, however many they are. */
function folding(input: FoldInput, folded: ReadonlySet<string>): Folded {
  const parents = new Map(input.groups.map((group) => [group.id, group.parent]));
  const shut = (group: string | null) => outermostFolded(group, parents, folded);
  const home = new Map<string, string>();
  const members = new Map<string, string[]>();
  for (const node of input.nodes) {
    const group = shut(node.group);
    const id = group === null ? node.id : groupBox(group);
    home.set(node.id, id);
    const known = members.get(id);
    if (known) known.push(node.id);
    else members.set(id, [node.id]);
  }
  const labels = new Map(input.groups.map((group) => [group.id, group.label]));
  let boxes: Box[] = [];
  const seen = new Set<string>();
  for (const node of input.nodes) {
    const group = shut(node.group);
    if (group === null) {
      boxes.push({ id: node.id, label: node.label, kind: "task", parent: node.group, members: [node.id] });
    } else if (!seen.has(group)) {
      seen.add(group);
      const id = groupBox(group);
      const label = labels.get(group) ?? group;
      boxes.push({ id, label, kind: "group", parent: parents.get(group) ?? null, members: members.get(id) ?? [] });
    }
  }
  let wires = lift(input.edges, home);
  if (boxes.length > TWIN_LIMIT) ({ boxes, wires } = bundleTwins(boxes, wires));
  return { boxes, frames: framesOf(boxes, input.groups), wires, hidden: 0 };
}

/** The id of the box that a folded group becomes. */
export function groupBox(group: string): string {
  return `group:${group}`;
}

function outermostFolded(
  group: string | null,
  parents: ReadonlyMap<string, string | null>,
  folded: ReadonlySet<string>,
): string | null {
  let outermost: string | null = null;
  for (let each = group; each !== null; each = parents.get(each) ?? null) if (folded.has(each)) outermost = each;
  return outermost;
}

/** Edges between boxes, each pair once; parallel ones keep the first label and data before order. */
function lift(edges: readonly FoldEdge[], home: ReadonlyMap<string, string>): Wire[] {
  const wires = new Map<string, Wire>();
  for (const edge of edges) {
    const source = home.get(edge.source);
    const target = home.get(edge.target);
    if (source === undefined || target === undefined || source === target) continue;
    const id = `${source}→${target}`;
    const known = wires.get(id);
    const label = known?.label || (edge.label ?? "");
    const kind = known && rank(known.kind) <= rank(edge.kind) ? known.kind : edge.kind;
    wires.set(id, { id, source, target, kind, label });
  }
  return [...wires.values()];
}

function rank(kind: string): number {
  return ["outcome", "gate", "data", "order"].indexOf(kind);
}

/** Boxes with the same parent and the same neighbours become one. */
function bundleTwins(boxes: readonly Box[], wires: readonly Wire[]): { boxes: Box[]; wires: Wire[] } {
  const sides = new Map<string, string[]>(boxes.map((box) => [box.id, []]));
  for (const wire of wires) {
    sides.get(wire.source)?.push(`>${wire.target}:${wire.label}`);
    sides.get(wire.target)?.push(`<${wire.source}:${wire.label}`);
  }
  const alike = new Map<string, Box[]>();
  for (const box of boxes) {
    const key = box.kind === "task" ? `${box.parent ?? ""}|${(sides.get(box.id) ?? []).sort().join()}` : box.id;
    const known = alike.get(key);
    if (known) known.push(box);
    else alike.set(key, [box]);
  }
  const home = new Map<string, string>();
  const bundled: Box[] = [];
  for (const twins of alike.values()) {
    const first = twins[0];
    if (first === undefined) continue;
    if (twins.length < 3) {
      for (const box of twins) home.set(box.id, box.id);
      bundled.push(...twins);
      continue;
    }
    const id = `twins:${first.id}`;
    for (const box of twins) home.set(box.id, id);
    const label = `${commonName(twins.map((box) => box.label))} × ${twins.length.toLocaleString("en")}`;
    bundled.push({ id, label, kind: "twins", parent: first.parent, members: twins.flatMap((box) => box.members) });
  }
  return { boxes: bundled, wires: lift(wires, home) };
}

/** What the names of twins share: `load_1, load_2` are `load`. */
export function commonName(names: readonly string[]): string {
  const first = names[0] ?? "";
  let length = first.length;
  for (const name of names) {
    let same = 0;
    while (same < length && name[same] === first[same]) same += 1;
    length = same;
  }
  const prefix = first.slice(0, length).replace(/[\s_.:#\-[(]+$/, "");
  return prefix || first;
}

/** The boxes around `focus`, breadth first in both directions; without a focus, from the roots down. */
function nearest(boxes: readonly Box[], wires: readonly Wire[], focus: readonly string[], limit: number): Set<string> {
  const around = new Map<string, string[]>(boxes.map((box) => [box.id, []]));
  const below = new Set<string>();
  for (const wire of wires) {
    around.get(wire.source)?.push(wire.target);
    around.get(wire.target)?.push(wire.source);
    below.add(wire.target);
  }
  const wanted = new Set(focus);
  const starts = boxes.filter((box) => box.members.some((each) => wanted.has(each)));
  const queue = (starts.length ? starts : boxes.filter((box) => !below.has(box.id))).map((box) => box.id);
  const kept = new Set<string>();
  for (let at = 0; at < queue.length && kept.size < limit; at += 1) {
    const id = queue[at];
    if (id === undefined || kept.has(id)) continue;
    kept.add(id);
    queue.push(...(around.get(id) ?? []));
  }
  for (const box of boxes) {
    if (kept.size >= limit) break;
    kept.add(box.id);
  }
  return kept;
}

/** The open groups that still hold something, outermost first. */
function framesOf(boxes: readonly Box[], groups: readonly FoldGroup[]): Frame[] {
  const known = new Map(groups.map((group) => [group.id, group]));
  const sizes = new Map<string, number>();
  for (const box of boxes) {
    for (let each = box.parent; each !== null; each = known.get(each)?.parent ?? null) {
      sizes.set(each, (sizes.get(each) ?? 0) + box.members.length);
    }
  }
  const depth = (id: string): number => {
    const parent = known.get(id)?.parent ?? null;
    return parent === null ? 0 : depth(parent) + 1;
  };
  return groups
    .filter((group) => sizes.has(group.id))
    .map(({ id, label, parent }) => ({ id, label, parent, size: sizes.get(id) ?? 0 }))
    .sort((a, b) => depth(a.id) - depth(b.id));
}
