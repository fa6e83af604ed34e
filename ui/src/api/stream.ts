/** The one live connection of a tab: every topic that a mounted page asks for, over one resumable stream.
 *
 * Browsers allow six connections to a server over HTTP/1.1, so a tab that nobody looks at lets go of its own, and takes up
 * at its cursor when it is looked at again.
 */

import type { AssetFrameKind } from "@/api/asset-patches";
import { address } from "@/api/client";
import { EventParser } from "@/api/sse";

export type FrameKind = "runs" | "nodes" | "tasks" | "signals" | "logs" | "ticks" | "steps" | "attention" | AssetFrameKind | "reset";

export interface Frame {
  topic: string;
  kind: FrameKind;
  data: unknown[];
}

export interface Hello {
  instance: string;
  boot: number;
  now_us: number;
}

export type LinkState = "connecting" | "live" | "lost" | "refused";

export interface StreamListener {
  onFrame(frame: Frame): void;
  onHello(hello: Hello): void;
  onState(state: LinkState): void;
}

const FIRST_DELAY_MS = 250;
const LAST_DELAY_MS = 5_000;
/** The server sends a comment at least this often; silence means that the other end is gone. */
const SILENCE_MS = 45_000;

export class LiveStream {
  private readonly counts = new Map<string, number>();
  private readonly starts = new Map<string, number>();
  private readonly listener: StreamListener;
  private readonly open: typeof fetch;
  private cursor = "";
  private connection: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private failures = 0;
  private paused = false;

  constructor(listener: StreamListener, open: typeof fetch = (...args) => fetch(...args)) {
    this.listener = listener;
    this.open = open;
  }

  /** Keeps `topic` in the stream until the returned function is called. `start`: up to where the caller knows it already;
   * without one a topic begins with its whole state. */
  subscribe(topic: string, start?: number): () => void {
    const count = this.counts.get(topic) ?? 0;
    this.counts.set(topic, count + 1);
    const before = count === 0 ? start : this.starts.get(topic);
    // Who knows nothing needs everything.
    if (start === undefined || before === undefined) this.starts.delete(topic);
    else this.starts.set(topic, Math.min(start, before));
    if (count === 0) this.restart();
    return () => {
      const left = (this.counts.get(topic) ?? 1) - 1;
      if (left > 0) this.counts.set(topic, left);
      else if (this.counts.delete(topic)) {
        this.starts.delete(topic);
        this.restart();
      }
    };
  }

  topics(): string[] {
    return [...this.counts.keys()].sort();
  }

  /** The server heeds the start of a topic that the cursor does not know. */
  private from(topic: string): string {
    const start = this.starts.get(topic);
    return start === undefined ? topic : `${topic}@${start}`;
  }

  pause(): void {
    this.paused = true;
    this.stop();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.restart();
  }

  private stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.connection?.abort();
    this.connection = null;
  }

  /** One tick later, since a page mounts and unmounts several topics at once. */
  private restart(delayMs = 0): void {
    this.stop();
    if (this.paused || this.counts.size === 0) return;
    this.timer = setTimeout(() => void this.connect(), delayMs);
  }

  private async connect(): Promise<void> {
    const connection = new AbortController();
    this.connection = connection;
    this.listener.onState("connecting");
    const url = address("/stream", { topics: this.topics().map((topic) => this.from(topic)).join(","), since: this.cursor });
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (this.cursor) headers["Last-Event-ID"] = this.cursor;
    let refused = false;
    try {
      const response = await this.open(url, { headers, credentials: "same-origin", signal: connection.signal, cache: "no-store" });
      refused = response.status === 401 || response.status === 403;
      if (response.status === 400 || response.status === 410) this.cursor = "";
      if (response.ok && response.body) await this.read(response.body, connection);
    } catch {
      // Aborted by us, or lost: both are handled below.
    }
    if (this.connection !== connection) return;
    this.listener.onState(refused ? "refused" : "lost");
    if (refused) return;
    this.failures += 1;
    this.restart(backoff(this.failures));
  }

  private async read(body: ReadableStream<Uint8Array>, connection: AbortController): Promise<void> {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    const parser = new EventParser();
    const hangUp = () => void reader.cancel().catch(() => undefined);
    let watchdog = setTimeout(hangUp, SILENCE_MS);
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done || this.connection !== connection) return;
        clearTimeout(watchdog);
        watchdog = setTimeout(hangUp, SILENCE_MS);
        for (const event of parser.push(decoder.decode(value, { stream: true }))) {
          this.take(event.id, event.event, event.data);
        }
      }
    } finally {
      clearTimeout(watchdog);
      hangUp();
    }
  }

  private take(id: string, event: string, data: string): void {
    if (event === "hello") {
      this.failures = 0;
      if (id) this.cursor = id;
      this.listener.onState("live");
      this.listener.onHello(JSON.parse(data) as Hello);
      return;
    }
    if (event === "patch") {
      const frames = JSON.parse(data) as Frame | Frame[];
      for (const frame of Array.isArray(frames) ? frames : [frames]) this.listener.onFrame(frame);
    }
    // After the frame was applied: a cursor must never be ahead of the cache.
    if (id) this.cursor = id;
  }
}

/** Doubling, bounded, with jitter, so that a restarted server is not met by all tabs at once. */
export function backoff(failures: number, random: () => number = Math.random): number {
  const full = Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures - 1, 10));
  return full * (0.5 + random() / 2);
}
