// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { act } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { poolsQuery, systemQuery } from "@/api/queries";

vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
let visibility: DocumentVisibilityState = "visible";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(document, "visibilityState", "get").mockImplementation(() => visibility);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it("asks for pools and processes while somebody looks, and not behind another tab", async () => {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (url: string) => {
    asked.push(url);
    return Promise.resolve(new Response("{}"));
  });
  const Probe = () => {
    useQuery(poolsQuery);
    useQuery(systemQuery);
    return null;
  };
  const root = createRoot(document.createElement("div"));
  await act(async () =>
    root.render(
      <QueryClientProvider client={new QueryClient()}>
        <Probe />
      </QueryClientProvider>,
    ),
  );
  await act(async () => void (await vi.advanceTimersByTimeAsync(5_100)));
  expect(asked).toHaveLength(4);
  visibility = "hidden";
  await act(async () => void (await vi.advanceTimersByTimeAsync(20_000)));
  expect(asked).toHaveLength(4);
  visibility = "visible";
  await act(async () => void (await vi.advanceTimersByTimeAsync(5_000)));
  expect(asked).toHaveLength(6);
  await act(async () => root.unmount());
});
