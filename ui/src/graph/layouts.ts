/** The places of shapes, each asked for once, and kept where the next visit of the page finds them. Plain ones are known. */

import type { Folded } from "@/graph/fold";
import { columns, fromElk, shapeKey, toElk, withoutFrames, type Direction, type ElkNode, type Placed } from "@/graph/layout";
import { plain } from "@/graph/plain";

/** `arrange` is elk in its worker; `shelf` outlives the page. Tests give their own. */
export class Layouts {
  private readonly kept = new Map<string, Placed>();
  private readonly asked = new Map<string, Promise<Placed>>();

  constructor(
    private readonly arrange: (root: ElkNode) => Promise<ElkNode>,
    private readonly limit = 40,
    private readonly shelf?: Shelf,
  ) {}

  /** The places if they are known. */
  peek(folded: Folded, direction: Direction): Placed | undefined {
    const key = shapeKey(folded, direction);
    const known = this.kept.get(key) ?? plain(folded, direction) ?? this.shelf?.find(key);
    if (known) this.keep(key, known);
    return known;
  }

  /** The places, asking for them if need be; a layout that fails falls back to columns. */
  async place(folded: Folded, direction: Direction): Promise<Placed> {
    const known = this.peek(folded, direction);
    if (known) return known;
    const key = shapeKey(folded, direction);
    const asked = this.asked.get(key);
    if (asked) return asked;
    const asking = this.arrange(toElk(folded, direction))
      .then(fromElk)
      .then((placed) => {
        this.shelf?.put(key, placed);
        return placed;
      })
      .catch(() => columns(withoutFrames(folded), direction))
      .then((placed) => {
        this.asked.delete(key);
        this.keep(key, placed);
        return placed;
      });
    this.asked.set(key, asking);
    return asking;
  }

  private keep(key: string, placed: Placed): void {
    if (this.kept.get(key) === placed) return;
    this.kept.set(key, placed);
    const oldest = this.kept.size > this.limit ? this.kept.keys().next().value : undefined;
    if (oldest !== undefined) this.kept.delete(oldest);
  }
}

const NAME = "toque:layouts:2";

/**
 * Layouts in the storage of the browser, the newest ones. A storage that is full, shut or written by another version of
 * this page is one without layouts: they can be computed again.
 */
export class Shelf {
  constructor(
    private readonly storage: Pick<Storage, "getItem" | "setItem" | "removeItem">,
    private readonly most = 400_000,
  ) {}

  find(key: string): Placed | undefined {
    const [, packed] = this.all().find(([each]) => each === key) ?? [];
    return packed && { ...packed, places: new Map(packed.places), routes: new Map(packed.routes) };
  }

  put(key: string, { places, routes, width, height }: Placed): void {
    const packed: Packed = { places: [...places], routes: [...routes], width, height };
    const entries = [...this.all().filter(([each]) => each !== key), [key, packed] as const];
    let text = JSON.stringify(entries);
    while (text.length > this.most && entries.shift()) text = JSON.stringify(entries);
    try {
      this.storage.setItem(NAME, text);
    } catch {
      // Full: what others keep in it counts for more.
    }
  }

  private all(): readonly (readonly [string, Packed])[] {
    try {
      return JSON.parse(this.storage.getItem(NAME) ?? "[]") as [string, Packed][];
    } catch {
      return [];
    }
  }
}

interface Packed {
  readonly places: [string, { x: number; y: number; width: number; height: number }][];
  readonly routes: [string, readonly number[]][];
  readonly width: number;
  readonly height: number;
}
