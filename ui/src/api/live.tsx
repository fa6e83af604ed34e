/** The stream inside React: pages name their topics, the cache is patched. */

import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useEffectEvent, useState, useSyncExternalStore, type ReactNode } from "react";
import { LatestRuns } from "@/api/latest-runs";
import { applyFrame } from "@/api/patches";
import { LiveStream, type Frame, type Hello, type LinkState } from "@/api/stream";

/** How long a hidden tab keeps its connection. */
const HIDDEN_MS = 20_000;

class Live {
  readonly stream: LiveStream;
  link: LinkState = "connecting";
  hello: Hello | null = null;
  private readonly watchers = new Set<() => void>();
  private readonly readers = new Set<(frame: Frame) => void>();

  constructor(cache: QueryClient) {
    const latest = new LatestRuns(cache);
    this.stream = new LiveStream({
      onFrame: (frame) => {
        applyFrame(cache, frame);
        latest.saw(frame);
        for (const read of this.readers) read(frame);
      },
      onHello: (hello) => {
        const restarted = this.hello !== null && this.hello.boot !== hello.boot;
        this.hello = hello;
        // The rows of its topics come as patches; what no topic carries (pools, files, schedules) may be new code's.
        if (restarted) void cache.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "session" });
        this.tell();
      },
      onState: (link) => {
        if (link === "refused") void cache.invalidateQueries({ queryKey: ["session"] });
        if (link !== "connecting" || this.link !== "live") this.link = link;
        this.tell();
      },
    });
  }

  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  read(reader: (frame: Frame) => void): () => void {
    this.readers.add(reader);
    return () => this.readers.delete(reader);
  }

  private tell(): void {
    for (const watcher of this.watchers) watcher();
  }
}

const LiveContext = createContext<Live | null>(null);

export function LiveProvider({ children }: { children: ReactNode }) {
  const cache = useQueryClient();
  const [live] = useState(() => new Live(cache));
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      clearTimeout(timer);
      if (document.visibilityState === "hidden") timer = setTimeout(() => live.stream.pause(), HIDDEN_MS);
      else live.stream.resume();
    };
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      clearTimeout(timer);
      live.stream.pause();
    };
  }, [live]);
  useEffect(() => {
    live.stream.resume();
  }, [live]);
  return <LiveContext.Provider value={live}>{children}</LiveContext.Provider>;
}

function useLive(): Live {
  const live = useContext(LiveContext);
  if (live === null) throw new Error("useTopic outside of LiveProvider");
  return live;
}

/** Keeps `topic` live while the component is mounted (`null`: nothing). The cache is patched anyway; `onFrame` gets each
 * frame of this topic beside that, for rows that are not kept in the cache. `start`: see `LiveStream.subscribe`. */
export function useTopic(topic: string | null, onFrame?: (frame: Frame) => void, start?: number): void {
  const live = useLive();
  const read = useEffectEvent((frame: Frame) => {
    if (frame.topic === topic) onFrame?.(frame);
  });
  const open = useEffectEvent((name: string) => live.stream.subscribe(name, start));
  useEffect(() => {
    if (topic === null) return;
    const close = open(topic);
    const quit = live.read((frame) => read(frame));
    return () => {
      quit();
      close();
    };
  }, [live, topic]);
}

export function useLink(): LinkState {
  const live = useLive();
  return useSyncExternalStore(live.watch, () => live.link);
}
