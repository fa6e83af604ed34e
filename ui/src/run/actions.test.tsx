// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, createElement } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, describe, expect, it, vi } from "vitest";
import { failedByCode, useRunActions, type RunActions } from "@/run/actions";
import type { RunDetail } from "@/run/types";

vi.mock("@tanstack/react-router", () => ({ useNavigate: () => vi.fn() }));
vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);

function run(change: Partial<RunDetail> = {}, kind = "code"): RunDetail {
  const error = { kind } as RunDetail["error"];
  return { run_id: "r1", pipeline: "p", version: "v1", state: "failed", error, first_failures: [], ...change } as RunDetail;
}

let unmount: (() => void) | null = null;
afterEach(() => act(() => unmount?.()));

async function actionsOf(given: RunDetail, current: string): Promise<RunActions> {
  const cache = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  cache.setQueryData(["pipeline", "p"], { name: "p", version: current });
  const nodes = [{ id: "a", kind: "task" }, { id: "b[]", kind: "map" }, { id: "f", kind: "flow" }, { id: "f/1", kind: "step" }];
  cache.setQueryData(["run-graph", "r1"], { nodes, edges: [], groups: [] });
  let found: RunActions | undefined;
  const Probe = () => {
    found = useRunActions(given);
    return null;
  };
  const root = createRoot(document.createElement("div"));
  unmount = () => root.unmount();
  await act(async () => root.render(createElement(QueryClientProvider, { client: cache }, createElement(Probe))));
  if (!found) throw new Error("nothing was rendered");
  return found;
}

describe("failedByCode", () => {
  it("looks at the run and at its first failures", () => {
    expect(failedByCode(run())).toBe(true);
    const failures = [{ error: { kind: "code" } }] as RunDetail["first_failures"];
    expect(failedByCode(run({ first_failures: failures }, "upstream"))).toBe(true);
    expect(failedByCode(run({}, "timeout"))).toBe(false);
    expect(failedByCode(run({ state: "cancelled" }))).toBe(false);
  });
});

describe("useRunActions", () => {
  it("offers the current code beside a retry once the code is another", async () => {
    const { retry, retryWithNew } = await actionsOf(run(), "v2");
    expect(retry?.title).toBe("Retry what failed");
    expect(retryWithNew).toMatchObject({
      title: "Retry with the current code",
      path: "/runs/r1/retry",
      body: { new_code: true },
    });
  });

  it("names every task where all of it is to run again: the server asks which", async () => {
    expect((await actionsOf(run(), "v1")).rerun.body).toEqual({ tasks: ["a", "b[]", "f"] });
  });

  it("does not where the code is the same, or was not at fault", async () => {
    expect((await actionsOf(run(), "v1")).retryWithNew).toBeNull();
    expect((await actionsOf(run({}, "timeout"), "v2")).retryWithNew).toBeNull();
  });
});
