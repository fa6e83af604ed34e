import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { backoff, LiveStream, type Frame, type LinkState } from "@/api/stream";

/** A server that answers each connection with a feed which the test writes. */
class Wire {
  readonly asked: string[] = [];
  status = 200;
  private feeds: ReadableStreamDefaultController<Uint8Array>[] = [];

  open = ((url: string) => {
    this.asked.push(url);
    const body = new ReadableStream<Uint8Array>({ start: (feed) => void this.feeds.push(feed) });
    return Promise.resolve(new Response(this.status === 200 ? body : null, { status: this.status }));
  }) as typeof fetch;

  async say(text: string): Promise<void> {
    this.feeds.at(-1)?.enqueue(new TextEncoder().encode(text));
    await settle();
  }

  async hangUp(): Promise<void> {
    this.feeds.at(-1)?.close();
    await settle();
  }
}

const settle = () => vi.advanceTimersByTimeAsync(1);
const hello = (boot: number) => `event: hello\ndata: {"instance":"i","boot":${boot},"now_us":1}\n\n`;
const patch = (id: string, topic: string) => `id: ${id}\nevent: patch\ndata: {"topic":"${topic}","kind":"runs","data":[]}\n\n`;

describe("LiveStream", () => {
  let wire: Wire;
  let stream: LiveStream;
  let frames: Frame[];
  let boots: number[];
  let states: LinkState[];

  beforeEach(() => {
    vi.useFakeTimers();
    wire = new Wire();
    frames = [];
    boots = [];
    states = [];
    stream = new LiveStream(
      {
        onFrame: (frame) => void frames.push(frame),
        onHello: ({ boot }) => void boots.push(boot),
        onState: (state) => void states.push(state),
      },
      wire.open,
    );
  });

  afterEach(() => {
    stream.pause();
    vi.useRealTimers();
  });

  it("begins a topic where its caller says, at the earliest of several, and whole when one of them knows nothing", async () => {
    stream.subscribe("run:1", 9);
    const close = stream.subscribe("run:1", 7);
    stream.subscribe("run:2", 5);
    stream.subscribe("run:2");
    await settle();
    expect(decodeURIComponent(wire.asked[0] ?? "")).toContain("topics=run:1@7,run:2");
    close();
    expect(stream.topics()).toEqual(["run:1", "run:2"]);
  });

  it("asks once for all topics of a page, however often each is wanted", async () => {
    stream.subscribe("run:1");
    stream.subscribe("home");
    stream.subscribe("home");
    await settle();
    expect(wire.asked).toEqual(["/api/v1/stream?topics=home%2Crun%3A1"]);
  });

  it("lets a topic go when the last who wanted it is gone", async () => {
    stream.subscribe("home");
    const first = stream.subscribe("run:1");
    const second = stream.subscribe("run:1");
    first();
    expect(stream.topics()).toEqual(["home", "run:1"]);
    second();
    expect(stream.topics()).toEqual(["home"]);
  });

  it("goes on at its cursor after the connection was lost, with another server too", async () => {
    stream.subscribe("home");
    await settle();
    await wire.say(hello(1) + patch("c1", "home"));
    await wire.hangUp();
    expect(states.at(-1)).toBe("lost");
    await vi.advanceTimersByTimeAsync(300);
    await wire.say(hello(2));
    expect(wire.asked.at(-1)).toContain("since=c1");
    expect(boots).toEqual([1, 2]);
    expect(states.at(-1)).toBe("live");
  });

  it("takes one event with several patches", async () => {
    stream.subscribe("home");
    await settle();
    await wire.say('id: 1\nevent: patch\ndata: [{"topic":"home","kind":"runs","data":[]},{"topic":"home","kind":"ticks","data":[]}]\n\n');
    expect(frames.map((frame) => frame.kind)).toEqual(["runs", "ticks"]);
  });

  it("does not hammer a server that refuses it", async () => {
    wire.status = 401;
    stream.subscribe("home");
    await settle();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states.at(-1)).toBe("refused");
    expect(wire.asked).toHaveLength(1);
  });

  it("takes a silent connection for a lost one", async () => {
    stream.subscribe("home");
    await settle();
    await wire.say(hello(1));
    await vi.advanceTimersByTimeAsync(50_000);
    expect(wire.asked.length).toBeGreaterThan(1);
  });

  it("holds no connection while paused, and comes back to what was wanted meanwhile", async () => {
    stream.subscribe("home");
    stream.pause();
    stream.subscribe("run:1");
    await settle();
    expect(wire.asked).toEqual([]);
    stream.resume();
    await settle();
    expect(wire.asked).toHaveLength(1);
    expect(wire.asked[0]).toContain("run%3A1");
  });
});

describe("backoff", () => {
  it("doubles to a bound, with jitter", () => {
    expect([1, 2, 3, 20].map((failures) => backoff(failures, () => 1))).toEqual([250, 500, 1000, 5000]);
    expect(backoff(3, () => 0)).toBe(500);
  });
});
