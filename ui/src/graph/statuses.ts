/** Statuses of boxes, kept up: a patch of some nodes among 10,000 costs the boxes that those stand in, not all of them. */

import type { Drawable } from "@/graph/drawable";
import type { Box, Folded } from "@/graph/fold";
import { merged, type BoxStatus } from "@/graph/status";
import type { NodeStatus } from "@/run/types";

export class Statuses {
  private shape: Folded | null = null;
  private drawn: Drawable | null = null;
  private nodes: readonly NodeStatus[] = [];
  private readonly byTask = new Map<string, NodeStatus>();
  private tasksOf = new Map<string, readonly string[]>();
  private boxOf = new Map<string, Box>();
  private readonly rows = new Map<string, readonly NodeStatus[]>();
  private found: ReadonlyMap<string, BoxStatus> = new Map();

  /** By box; one that did not change is the same value, so that its box is not drawn again. */
  of(shape: Folded, drawn: Drawable, nodes: readonly NodeStatus[]): ReadonlyMap<string, BoxStatus> {
    const changed = this.take(nodes);
    const isSame = this.shape === shape && this.drawn === drawn && changed !== null;
    if (!isSame) this.draw(shape, drawn);
    const boxes = isSame ? new Set(changed.flatMap((task) => this.boxOf.get(task) ?? [])) : shape.boxes;
    const isMap = (task: string) => drawn.byId.get(task)?.kind === "map";
    const out = new Map(isSame ? this.found : []);
    let isNew = !isSame;
    for (const box of boxes) {
      const rows = this.rowsOf(box);
      const old = this.rows.get(box.id);
      const known = this.found.get(box.id);
      this.rows.set(box.id, rows);
      if (rows.length === 0) continue;
      if (!isSame && known && old?.length === rows.length && old.every((row, at) => row === rows[at])) out.set(box.id, known);
      else {
        out.set(box.id, merged(rows, isMap));
        isNew = true;
      }
    }
    if (isNew) this.found = out;
    return this.found;
  }

  private rowsOf(box: Box): NodeStatus[] {
    const rows: NodeStatus[] = [];
    for (const task of this.tasksOf.get(box.id) ?? []) {
      const row = this.byTask.get(task);
      if (row) rows.push(row);
    }
    return rows;
  }

  /** The tasks whose rows are others than before; null when the list as a whole is another one. */
  private take(nodes: readonly NodeStatus[]): string[] | null {
    const before = this.nodes;
    if (nodes === before) return [];
    this.nodes = nodes;
    const changed: string[] = [];
    for (const [at, node] of nodes.entries()) {
      const old = before[at];
      if (old === node) continue;
      if (old && old.task !== node.task) return this.again();
      this.byTask.set(node.task, node);
      changed.push(node.task);
    }
    return nodes.length < before.length ? this.again() : changed;
  }

  private again(): null {
    this.byTask.clear();
    for (const node of this.nodes) this.byTask.set(node.task, node);
    return null;
  }

  private draw(shape: Folded, drawn: Drawable): void {
    this.shape = shape;
    this.drawn = drawn;
    this.tasksOf = new Map();
    this.boxOf = new Map();
    for (const box of shape.boxes) {
      const tasks = box.members.flatMap((member) => drawn.covers.get(member) ?? [member]);
      this.tasksOf.set(box.id, tasks);
      for (const task of tasks) this.boxOf.set(task, box);
    }
  }
}
