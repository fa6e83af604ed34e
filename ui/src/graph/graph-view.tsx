/** The drawing of a graph, live: layout off the page's thread, only boxes in sight in the DOM, a patch redraws its box. */

import "@xyflow/react/dist/base.css";
import { ReactFlow, ReactFlowProvider, useReactFlow, useStore } from "@xyflow/react";
import { useEffect, useMemo, useRef, useState } from "react";
import { Button } from "@/design/button";
import { Icon } from "@/design/icon";
import { Skeleton } from "@/design/skeleton";
import { plural } from "@/design/words";
import { BoxView, FrameView, type BoxNode, type FrameNode, type Mark } from "@/graph/boxes";
import { drawable, type Drawable } from "@/graph/drawable";
import { layouts } from "@/graph/elk";
import { fold, foldedAtFirst, type Box, type Folded, type Wire } from "@/graph/fold";
import { frameId, shapeKey, type Placed } from "@/graph/layout";
import { labels, strands } from "@/graph/routes";
import { NO_ROWS, rowStrands, unfolded, type RowLink, type Rows } from "@/graph/rows";
import type { BoxStatus } from "@/graph/status";
import { Statuses } from "@/graph/statuses";
import { usePlaces, type Drawn } from "@/graph/use-places";
import { Wires } from "@/graph/wires";
import type { Graph, NodeStatus } from "@/run/types";
import css from "./graph.module.css";

interface GraphViewProps {
  graph: Graph;
  /** Of a run; without them the graph is a plan. */
  nodes?: readonly NodeStatus[];
  critical?: readonly string[];
  selected?: string;
  select: (task: string) => void;
  /** What a box says that has no task run yet. */
  idle?: string;
  /** Where boxes are no tasks: what one, or a group of them, says of itself. */
  markOf?: (members: readonly string[]) => Mark;
  unit?: string;
  /** Where nodes unfold: their rows, the lines between those, and what a click does. */
  rows?: Rows;
  links?: readonly RowLink[];
  pickRow?: (node: string, row: string) => void;
  toggleRows?: (node: string) => void;
  /** What the path of `critical` is called. */
  pathName?: string;
}

const FIT = { maxZoom: 1, minZoom: 0.35, padding: 0.08 };
/** Below it the small print of a box cannot be read: its name takes the room. */
const FAR = 0.72;
const TYPES = { box: BoxView, frame: FrameView };
const NO_NODES: readonly NodeStatus[] = [];
const NO_NAMES: readonly string[] = [];
const NO_LINKS: readonly RowLink[] = [];

export function GraphView(props: GraphViewProps) {
  return (
    <ReactFlowProvider>
      <Drawing {...props} />
    </ReactFlowProvider>
  );
}

/** Folds and places; draws when there is something to draw, so that no box is seen where it does not stay. */
function Drawing(props: GraphViewProps) {
  const { graph, nodes = NO_NODES, selected = "", rows = NO_ROWS } = props;
  const [down] = useState(() => window.matchMedia("(max-width: 44rem)").matches);
  const drawn = useMemo(() => drawable(graph), [graph]);
  const [own, setFolded] = useState<ReadonlySet<string> | null>(null);
  const folded = useMemo(() => own ?? foldedAtFirst(drawn), [own, drawn]);
  const focus = useFocus(selected, nodes);
  const folding = useMemo(() => unfolded(fold(drawn, folded, focus), rows), [drawn, folded, focus, rows]);
  const [isPointed, setPointed] = useState(false);
  const view = usePlaces(layouts, folding, down ? "DOWN" : "RIGHT", isPointed);
  return (
    <div
      className={css.room}
      data-testid="graph"
      data-drawn={view === null ? "no" : view.isDraft ? "draft" : "yes"}
      onPointerEnter={() => setPointed(true)}
      onPointerLeave={() => setPointed(false)}
    >
      {view ? (
        <Canvas {...props} drawn={drawn} view={view} focus={focus} folded={folded} setFolded={setFolded} />
      ) : (
        <div className={css.soon}>
          <Skeleton rows={3} height={52} />
        </div>
      )}
    </div>
  );
}

interface CanvasProps extends GraphViewProps {
  drawn: Drawable;
  view: Drawn;
  focus: readonly string[];
  folded: ReadonlySet<string>;
  setFolded: (groups: ReadonlySet<string>) => void;
}

function Canvas(props: CanvasProps) {
  const { graph, nodes = NO_NODES, critical = NO_NAMES, selected = "", select, idle = "", markOf, unit = "task" } = props;
  const { drawn, focus, folded, setFolded, rows = NO_ROWS, links = NO_LINKS, pickRow, toggleRows, pathName = "critical path" } = props;
  const { shape, placed } = props.view;
  const flow = useReactFlow();
  const statuses = useStatuses(shape, drawn, nodes);
  const toggle = (group: string) => {
    const next = new Set(folded);
    if (!next.delete(group)) next.add(group);
    setFolded(next);
  };
  const width = useStore((store) => store.width);
  const isFar = useStore((store) => store.transform[2] < FAR);
  const moved = useRef(false);
  const key = `${shapeKey(shape, "RIGHT")} ${placed.width} ${width}`;
  useEffect(() => {
    // A person who has moved the view keeps it, whatever grows.
    if (moved.current) return;
    const start = placed.width > 2.4 * width ? startOf(shape, placed, focus) : null;
    const frame = requestAnimationFrame(() => void flow.fitView(start ? { ...FIT, maxZoom: 0.8, nodes: start } : FIT));
    return () => cancelAnimationFrame(frame);
    // The key says all that matters of them.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key, flow]);
  const path = useMemo(() => new Set(critical), [critical]);
  const flowNodes = useMemo(
    () => toNodes(shape, placed, { drawn, statuses, selected, path, idle, markOf, unit, toggle: (group) => toggle(group), rows, pickRow, toggleRows }),
    // `toggle` closes over `folded`, which `shape` derives from.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [shape, placed, drawn, statuses, selected, path, idle, markOf, unit, rows, pickRow, toggleRows],
  );
  const lines = useMemo(
    () => strands(shape.wires, placed.routes, (wire) => lookOf(wire, selected, path)),
    [shape, placed, selected, path],
  );
  const rowLines = useMemo(() => rowStrands(shape, placed, rows, links), [shape, placed, rows, links]);
  const all = useMemo(() => [...lines, ...rowLines], [lines, rowLines]);
  const words = useMemo(() => labels(shape.wires, placed.routes), [shape, placed]);
  return (
    <div className={css.canvas} data-far={isFar}>
      <ReactFlow<BoxNode | FrameNode>
        nodes={flowNodes}
        nodeTypes={TYPES}
        onlyRenderVisibleElements={flowNodes.length > 80}
        nodesDraggable={false}
        nodesConnectable={false}
        minZoom={0.1}
        maxZoom={1.6}
        fitView
        fitViewOptions={FIT}
        onMoveStart={(event) => {
          if (event) moved.current = true;
        }}
        proOptions={{ hideAttribution: true }}
        onNodeClick={(_, node) => open(node.id, shape, select, toggle)}
        onKeyDown={(event) => {
          const id = (event.target as HTMLElement).closest<HTMLElement>(".react-flow__node")?.dataset["id"];
          if (id && (event.key === "Enter" || event.key === " ")) {
            event.preventDefault();
            open(id, shape, select, toggle);
          }
        }}
        aria-label={`Graph of ${graph.pipeline}`}
      >
        <Wires lines={all} words={words} />
      </ReactFlow>
      {shape.hidden > 0 && (
        <p className={css.corner} data-at="note">
          Around {selected || "what matters"}: {plural(shape.hidden, `more ${unit}`)} in the list of {unit}s
        </p>
      )}
      {critical.length > 1 && (
        <p className={css.corner} data-at="legend">
          {pathName}
        </p>
      )}
      <div className={css.corner} data-at="tools">
        {drawn.groups.length > 0 && (
          <Button onClick={() => setFolded(folded.size ? new Set() : new Set(drawn.groups.map((group) => group.id)))}>
            {folded.size ? "Open groups" : "Fold groups"}
          </Button>
        )}
        <Button icon aria-label="Zoom out" onClick={() => void flow.zoomOut()}>
          −
        </Button>
        <Button icon aria-label="Zoom in" onClick={() => void flow.zoomIn()}>
          +
        </Button>
        <Button
          icon
          aria-label="Show all"
          title="Show all"
          onClick={() => {
            moved.current = false;
            void flow.fitView({ ...FIT, minZoom: 0.1 });
          }}
        >
          <Icon name="fit" />
        </Button>
      </div>
    </div>
  );
}

/** What to keep in sight when a graph is too large: what is selected, else what failed, else what runs. */
function useFocus(selected: string, nodes: readonly NodeStatus[]): readonly string[] {
  const key = useMemo(() => {
    if (selected) return selected;
    const failed = nodes.find((node) => node.counts["failed"]);
    return (failed ?? nodes.find((node) => node.counts["running"]))?.task ?? "";
  }, [selected, nodes]);
  return useMemo(() => (key ? [key] : NO_NAMES), [key]);
}

/** Where to begin in a graph that does not fit: at what matters and around it, else at its first boxes. */
function startOf(shape: Folded, placed: Placed, focus: readonly string[]): { id: string }[] {
  const center = shape.boxes.find((box) => box.members.some((member) => focus.includes(member)));
  if (!center) return firstOf(shape.boxes, placed);
  const near = shape.wires.filter((wire) => wire.source === center.id || wire.target === center.id).slice(0, 8);
  return [{ id: center.id }, ...near.map((wire) => ({ id: wire.source === center.id ? wire.target : wire.source }))];
}

/** The first box and those around it: first ones may stand far from each other, with nothing between them. */
function firstOf(boxes: readonly Box[], { places }: Placed): { id: string }[] {
  const at = (box: Box) => places.get(box.id) ?? { x: 0, y: 0 };
  const first = boxes.reduce((a, b) => (at(b).x < at(a).x ? b : a), boxes[0] as Box);
  const far = (box: Box) => Math.hypot(at(box).x - at(first).x, at(box).y - at(first).y);
  return [...boxes].sort((a, b) => far(a) - far(b)).slice(0, 8);
}

function useStatuses(shape: Folded, drawn: Drawable, nodes: readonly NodeStatus[]): ReadonlyMap<string, BoxStatus> {
  const [statuses] = useState(() => new Statuses());
  return useMemo(() => statuses.of(shape, drawn, nodes), [statuses, shape, drawn, nodes]);
}

interface Context {
  drawn: Drawable;
  statuses: ReadonlyMap<string, BoxStatus>;
  selected: string;
  path: ReadonlySet<string>;
  idle: string;
  markOf: ((members: readonly string[]) => Mark) | undefined;
  unit: string;
  toggle: (group: string) => void;
  rows: Rows;
  pickRow: ((node: string, row: string) => void) | undefined;
  toggleRows: ((node: string) => void) | undefined;
}

function toNodes(shape: Folded, placed: Placed, context: Context): (BoxNode | FrameNode)[] {
  const { drawn, statuses, selected, path, idle, markOf, unit, toggle, rows, pickRow, toggleRows } = context;
  const kinds = new Map(drawn.nodes.map((node) => [node.id, node.kind]));
  const frames = shape.frames.flatMap((frame): FrameNode[] => {
    const place = placed.places.get(frameId(frame.id));
    if (!place) return [];
    const parentId = frame.parent && placed.places.has(frameId(frame.parent)) ? frameId(frame.parent) : undefined;
    const { x, y, width, height } = place;
    const base = {
      id: frameId(frame.id),
      type: "frame" as const,
      position: { x, y },
      width,
      height,
      data: { frame, close: toggle },
    };
    return [{ ...base, ...(parentId ? { parentId } : {}), selectable: false, focusable: false }];
  });
  const boxes = shape.boxes.flatMap((box): BoxNode[] => {
    const place = placed.places.get(box.id);
    if (!place) return [];
    const parentId = box.parent && placed.places.has(frameId(box.parent)) ? frameId(box.parent) : undefined;
    const { x, y, width, height } = place;
    const kind = kinds.get(box.id) ?? box.kind;
    const critical = box.members.some((member) => path.has(member));
    const status = statuses.get(box.id) ?? null;
    const note = status ? "" : idle || noteOf(drawn, box.id);
    const base = { id: box.id, type: "box" as const, position: { x, y }, width, height, selected: box.id === selected };
    const mark = markOf?.(box.members) ?? null;
    const words = `${box.label}, ${mark?.words ?? status?.state?.replace("_", " ") ?? (note || "no state")}`;
    return [
      {
        ...base,
        ...(parentId ? { parentId } : {}),
        ariaLabel: words,
        data: { box, kind, status, note, critical, mark, unit, rows: box.rows ? (rows.get(box.id) ?? []) : [], pickRow, toggleRows },
      },
    ];
  });
  return [...frames, ...boxes];
}

/** What a plan says of a task: how it starts, if not by the usual rule. */
function noteOf(drawn: Drawable, id: string): string {
  const node = drawn.byId.get(id);
  if (!node) return "";
  if (node.hook) return node.hook.replace("_", " ");
  if (node.teardown_of) return `teardown of ${node.teardown_of}`;
  if (node.host) return `in ${node.host}`;
  const rule = node.rule === "all_success" ? "" : node.rule.replaceAll("_", " ");
  return [rule, node.retries ? plural(node.retries, "retry", "retries") : "", ...node.pools]
    .filter(Boolean)
    .join(" · ");
}

function lookOf(wire: Wire, selected: string, path: ReadonlySet<string>): string {
  const near = wire.source === selected || wire.target === selected;
  const critical = path.has(wire.source) && path.has(wire.target);
  return [wire.kind, near && "near", critical && "critical"].filter(Boolean).join(" ");
}

function open(id: string, shape: Folded, select: (task: string) => void, toggle: (group: string) => void): void {
  const box = shape.boxes.find((each) => each.id === id);
  if (box?.kind === "group") toggle(id.replace(/^group:/, ""));
  else if (box) select(box.members[0] ?? box.id);
}
