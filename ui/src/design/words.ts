/** Times, durations and sizes in words. Times on the wire are microseconds, 0 where there is none yet. */

import { formatted } from "@/design/formats";

const SECOND = 1_000_000;

/** `0.4 s`, `12 s`, `3 m 04 s`, `2 h 10 m`, `3 d 4 h`: two units at most. */
export function duration(us: number): string {
  if (us < 0) return duration(0);
  if (us < 1_000) return us === 0 ? "0 s" : "<1 ms";
  if (us < SECOND) return `${Math.round(us / 1_000)} ms`;
  if (us < 10 * SECOND) return `${(us / SECOND).toFixed(1)} s`;
  const s = Math.round(us / SECOND);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} m ${pad(s % 60)} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${pad(Math.floor((s % 3600) / 60))} m`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

/** `just now`, `now`, `4 m ago`, `in 2 h`: the units of `duration`, which stands beside it; beyond a week the date says more. */
export function relative(us: number, nowUs: number, locale?: string): string {
  const s = (us - nowUs) / SECOND;
  const span = Math.abs(s);
  if (span < 5) return s > 0 ? "now" : "just now";
  if (span >= 7 * 86_400) return day(us, undefined, locale);
  const count = roughly(span);
  return s < 0 ? `${count} ago` : `in ${count}`;
}

/** The largest unit alone: `42 s`, `4 m`, `2 h`, `3 d`. */
function roughly(span: number): string {
  if (span < 60) return `${Math.floor(span)} s`;
  if (span < 3600) return `${Math.floor(span / 60)} m`;
  if (span < 86_400) return `${Math.floor(span / 3600)} h`;
  return `${Math.floor(span / 86_400)} d`;
}

/** `22 Nov 2026, 21:04:19`, in the viewer's zone unless another is given. */
export function moment(us: number, zone?: string, locale?: string): string {
  return formatted(us, "moment", zone, locale);
}

/** `22 Nov, 21:04`: for lists, where the year goes without saying. */
export function short(us: number, zone?: string, locale?: string): string {
  return formatted(us, "short", zone, locale);
}

export function clock(us: number, zone?: string, locale?: string): string {
  return formatted(us, "clock", zone, locale);
}

export function day(us: number, zone?: string, locale?: string): string {
  return formatted(us, "day", zone, locale);
}

/** `22 Nov`: of a day among others. */
export function localDay(us: number, zone?: string, locale?: string): string {
  return new Date(us / 1_000).toLocaleDateString(locale, { day: "numeric", month: "short", timeZone: zone });
}

/** From one moment to another; the date is said once where it is the same. */
export function span(fromUs: number, toUs: number, zone?: string, locale?: string): string {
  const [from, to] = [moment(fromUs, zone, locale), moment(toUs, zone, locale)];
  const date = day(fromUs, zone, locale);
  return date === day(toUs, zone, locale) && to.startsWith(date) ? `${from} – ${to.slice(date.length).replace(/^\W+/, "")}` : `${from} – ${to}`;
}

export function utc(us: number): string {
  return `${new Date(us / 1_000).toISOString().replace("T", " ").replace(/\.\d+Z$/, "")} UTC`;
}

export function bytes(size: number): string {
  if (size < 1_000) return `${size} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = size / 1_000;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit] ?? ""}`;
}

/** `1 run`, `2 runs`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/** The words of a line of Markdown, for places that hold one line of plain text. */
export function plainText(markdown: string): string {
  return markdown
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/(\*\*|`)(.+?)\1/g, "$2")
    .replace(/(^|[\s(])[*_]([^*_\s][^*_]*)[*_](?=$|[\s).,:;!?])/g, "$1$2");
}

/** How task runs are written: `load`, `load[3.1]`. */
export function taskName(task: string, index: readonly number[]): string {
  return index.length ? `${task}[${index.join(".")}]` : task;
}

/** The part of a run's id that tells it from others at a glance; the whole one is in titles and addresses. */
export function shortId(id: string): string {
  return id.length > 12 ? id.slice(-8) : id;
}

/** Its pipeline, and what it makes where the pipeline does not say that: runs of a selection are all "materialize". */
export function runTitle(run: { pipeline: string; tags?: Readonly<Record<string, string>> }): string {
  const makes = run.tags?.["makes"];
  return makes ? `${run.pipeline} ${makes}` : run.pipeline;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

/** The two halves of a schedule's id, `pipeline/name`. */
export function pipelineOf(schedule: string): string {
  const slash = schedule.indexOf("/");
  return slash < 0 ? schedule : schedule.slice(0, slash);
}

export function scheduleOf(schedule: string): string {
  const slash = schedule.indexOf("/");
  return slash < 0 ? "" : schedule.slice(slash + 1);
}

/**
 * A version as people tell it from others: the first characters of its graph, and of its bundle, since most edits change
 * only the bundle: `659f.0a1b`. One without a bundle is its first characters.
 */
export function shortVersion(version: string): string {
  const dot = version.indexOf(".");
  return dot < 0 ? version.slice(0, 8) : `${version.slice(0, Math.min(4, dot))}.${version.slice(dot + 1, dot + 5)}`;
}

/** The name of an exception: where one of Toque's own is defined tells a reader nothing. */
export function exceptionName(type: string): string {
  return type.replace(/^toque\.(?:\w+\.)*/, "");
}
