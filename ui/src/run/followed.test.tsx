// @vitest-environment happy-dom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { describe, expect, it, vi } from "vitest";
import { useFollowed } from "@/run/use-run";

vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);

/** What the hook says of each in turn. */
function said(runs: ({ run_id: string; finished_us: number } | undefined)[], id = (at: number) => runs[at]?.run_id ?? "r1"): boolean[] {
  const answers: boolean[] = [];
  const Probe = ({ at }: { at: number }) => {
    answers[at] = useFollowed(id(at), runs[at]);
    return null;
  };
  const root = createRoot(document.createElement("div"));
  for (const at of runs.keys()) act(() => root.render(<Probe at={at} />));
  act(() => root.unmount());
  return answers;
}

describe("the stream of a run", () => {
  it("is followed to its last row when the run ends while it is looked at", () => {
    expect(said([undefined, { run_id: "r1", finished_us: 0 }, { run_id: "r1", finished_us: 9 }])).toEqual([false, true, true]);
  });

  it("is not opened for a run that has ended: it would tell all of it again", () => {
    expect(said([undefined, { run_id: "r1", finished_us: 9 }])).toEqual([false, false]);
  });

  it("is judged anew for another run", () => {
    expect(said([{ run_id: "r1", finished_us: 9 }, { run_id: "r2", finished_us: 0 }, { run_id: "r3", finished_us: 5 }])).toEqual([false, true, false]);
  });

  it("waits for the answer about the run that is asked for", () => {
    expect(said([{ run_id: "r1", finished_us: 0 }, { run_id: "r1", finished_us: 0 }], (at) => (at ? "r2" : "r1"))).toEqual([true, false]);
  });
});
