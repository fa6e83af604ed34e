/** Times in the viewer's zone, with UTC in the title; they move on by themselves, from one clock for the whole page. */

import { useSyncExternalStore } from "react";
import { clock, day, duration, moment, relative, short, utc } from "@/design/words";

const watchers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let now = Date.now();

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of watchers) each();
  }, 1_000);
  return () => {
    watchers.delete(watcher);
    if (watchers.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** Now in µs, in steps of `stepS` seconds, so that what shows minutes is not drawn each second. */
export function useNowUs(stepS = 1): number {
  return useSyncExternalStore(watch, () => Math.floor((timer === undefined ? (now = steady()) : now) / (stepS * 1_000)) * stepS * 1_000_000);
}

/** Between two reads of one render the snapshot must not differ. */
function steady(): number {
  const fresh = Date.now();
  return fresh - now > 1_000 ? fresh : now;
}

type Form = "relative" | "moment" | "short" | "clock" | "day";

export function Time({ us, form = "relative", none = "–" }: { us: number; form?: Form; none?: string }) {
  return us ? <KnownTime us={us} form={form} /> : <span>{none}</span>;
}

function KnownTime({ us, form }: { us: number; form: Form }) {
  const text = { relative: () => <Ago us={us} />, moment: () => moment(us), short: () => short(us), clock: () => clock(us), day: () => day(us) }[form]();
  return (
    <time dateTime={new Date(us / 1_000).toISOString()} title={`${moment(us)} here\n${utc(us)}`}>
      {text}
    </time>
  );
}

/** All of a page count from the same second, and agree with durations beside them; each is drawn when its words change. */
function Ago({ us }: { us: number }) {
  return useSyncExternalStore(watch, () => relative(us, (timer === undefined ? (now = steady()) : now) * 1_000));
}

/** From `fromUs` to `toUs`; while that is 0, to now. */
export function Took({ fromUs, toUs, none = "–" }: { fromUs: number; toUs: number; none?: string }) {
  if (!fromUs) return <span>{none}</span>;
  return toUs ? <span>{duration(toUs - fromUs)}</span> : <Running fromUs={fromUs} />;
}

function Running({ fromUs }: { fromUs: number }) {
  const nowUs = useNowUs();
  const seconds = Math.max(0, Math.floor((nowUs - fromUs) / 1_000_000));
  return <span>{seconds < 60 ? `${seconds} s` : duration(seconds * 1_000_000)}</span>;
}
