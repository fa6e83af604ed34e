/** The entry: cache, router, page. */

import "@/design/tokens.css";
import "@/design/base.css";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { worthRetrying } from "@/api/client";
import { forgetEarly } from "@/api/early";
import { router } from "@/app/router";
import { ToastProvider } from "@/app/toasts";

const cache = new QueryClient({
  defaultOptions: {
    // The stream patches the cache, so nothing is asked again because a window got the focus.
    queries: { staleTime: 30_000, refetchOnWindowFocus: false, retry: worthRetrying },
    mutations: { retry: false },
  },
});

/** So long an empty page is better than a skeleton: React holds back for 300 ms what follows one. */
const PATIENCE_MS = 400;

const element = document.getElementById("root");
if (element === null) throw new Error("index.html has no #root");
const root = createRoot(element);
const draw = () =>
  root.render(
    <StrictMode>
      <QueryClientProvider client={cache}>
        <ToastProvider>
          <RouterProvider router={router} context={{ cache }} />
        </ToastProvider>
      </QueryClientProvider>
    </StrictMode>,
  );

router.update({ ...router.options, context: { cache } });
// What cannot be loaded is told by the page.
const loading = router.load().catch(() => undefined);
void Promise.race([loading, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]).then(draw);
void loading.then(forgetEarly);
