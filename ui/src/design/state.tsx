/** A state as a shape, a colour and a word: any two of them suffice to tell it. */

import type { RunState, TaskState } from "@/api/types";
import css from "./state.module.css";

export type State = RunState | TaskState;

interface Look {
  word: string;
  /** Which colour of tokens.css; `--NAME` and `--NAME-soft`. */
  tone: Tone;
  /** On a grid of 16. A filled shape is an end, an outline something that goes on or never was. */
  fill?: string;
  line?: string;
  cut?: string;
}

export type Tone = "succeeded" | "failed" | "running" | "retrying" | "waiting" | "deferred" | "skipped" | "upstream" | "cancelled";

const DISC = "M8 1.500a6.500 6.500 0 1 1 0 13 6.500 6.500 0 0 1 0-13";
const RING = "M8 2.500a5.500 5.500 0 1 1 0 11 5.500 5.500 0 0 1 0-11";

export const LOOKS: Record<State, Look> = {
  succeeded: { word: "succeeded", tone: "succeeded", fill: DISC, cut: "M5 8.200l2.200 2.200L11.200 6" },
  failed: { word: "failed", tone: "failed", fill: "M2 2h12v12H2z", cut: "M5.200 5.200l5.600 5.600M10.800 5.200l-5.600 5.600" },
  running: { word: "running", tone: "running", line: "M8 2.500a5.500 5.500 0 1 1-5.500 5.500", fill: "M8 5.700a2.300 2.300 0 1 1 0 4.600 2.300 2.300 0 0 1 0-4.600" },
  queued: { word: "queued", tone: "waiting", line: "M3 4.500h10M3 8h10M3 11.500h6" },
  suspended: { word: "suspended", tone: "retrying", line: "M5.500 3v10M10.500 3v10" },
  cancelled: { word: "cancelled", tone: "cancelled", fill: DISC, cut: "M5 8h6" },
  waiting: { word: "waiting", tone: "waiting", line: "M4 8h.01M8 8h.01M12 8h.01" },
  ready: { word: "ready", tone: "waiting", line: RING },
  dispatched: { word: "dispatched", tone: "running", line: RING, fill: "M8 2.500a5.500 5.500 0 0 1 0 11z" },
  deferred: { word: "deferred", tone: "deferred", line: `${RING}M8 5v3.200l2.200 1.400` },
  retrying: { word: "retrying", tone: "retrying", line: "M13.500 8a5.500 5.500 0 1 1-1.700-4M12.200 1.300v2.900H9.300" },
  skipped: { word: "skipped", tone: "skipped", line: "M3.500 4l4 4-4 4M8.500 4l4 4-4 4" },
  upstream_failed: { word: "upstream failed", tone: "upstream", line: "M8 2.500 14.200 13.200H1.800z" },
};

export const wordOf = (state: State): string => LOOKS[state].word;
export const toneOf = (state: State): Tone => LOOKS[state].tone;
export const isLive = (state: State): boolean => !["succeeded", "failed", "skipped", "upstream_failed", "cancelled"].includes(state);

export function StateIcon({ state, size = 14 }: { state: State; size?: number }) {
  const look = LOOKS[state];
  return (
    <svg viewBox="0 0 16 16" width={size} height={size} className={css.icon} data-tone={look.tone} data-state={state} aria-hidden="true">
      {look.fill && <path d={look.fill} fill="currentColor" />}
      {look.line && <path d={look.line} fill="none" stroke="currentColor" strokeWidth="1.900" strokeLinecap="round" strokeLinejoin="round" />}
      {look.cut && <path d={look.cut} fill="none" className={css.cut} strokeWidth="1.900" strokeLinecap="round" strokeLinejoin="round" />}
    </svg>
  );
}

/** Icon and word. `quiet`: the word is for those who cannot see the icon. */
export function StateMark({ state, quiet = false, count }: { state: State; quiet?: boolean; count?: number }) {
  return (
    <span className={css.mark} data-tone={toneOf(state)} title={quiet ? wordOf(state) : undefined}>
      <StateIcon state={state} />
      <span className={quiet ? "visually-hidden" : undefined}>
        {count !== undefined && `${count.toLocaleString()} `}
        {wordOf(state)}
      </span>
    </span>
  );
}
