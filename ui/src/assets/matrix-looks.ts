/** How the cells of a matrix look: shapes tell states apart, not colours alone. */

export type Shape = "box" | "full" | "corner" | "cross";

export interface Look {
  word: string;
  /** Of its colour. */
  token: string;
  shape: Shape;
}

export type Looks = Readonly<Record<string, Look>>;

/** Slices of an asset, as they stand. */
export const SLICES: Looks = {
  ".": { word: "missing", token: "--rule-strong", shape: "box" },
  m: { word: "made", token: "--succeeded", shape: "full" },
  s: { word: "stale", token: "--retrying", shape: "corner" },
  f: { word: "failing", token: "--failed", shape: "cross" },
};

/** Slices of a backfill, as far as it is. */
export const RUNS: Looks = {
  ".": { word: "waiting", token: "--rule-strong", shape: "box" },
  r: { word: "running", token: "--running", shape: "corner" },
  m: { word: "made", token: "--succeeded", shape: "full" },
  e: { word: "fresh already", token: "--succeeded", shape: "box" },
  f: { word: "failed", token: "--failed", shape: "cross" },
  k: { word: "held back", token: "--upstream", shape: "corner" },
  c: { word: "cancelled", token: "--cancelled", shape: "cross" },
};
