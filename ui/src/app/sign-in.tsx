/** Sign-in by the key that the server prints, either in the address or typed here. */

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, type FormEvent } from "react";
import { post } from "@/api/client";
import { asProblem, type Problem } from "@/api/problem";
import { sessionQuery } from "@/api/queries";
import type { Session } from "@/api/types";
import { Logo } from "@/app/logo";
import { Button } from "@/design/button";
import css from "./sign-in.module.css";

const SIGN_IN = "/sign-in";

/** The key of `?key=…` or `#key=…`, and the address without it, so that it stays in no history and no bookmark. */
export function takeKey(href: string): { key: string; rest: string } {
  const url = new URL(href);
  const fragment = new URLSearchParams(url.hash.replace(/^#/, ""));
  const key = url.searchParams.get("key") ?? fragment.get("key") ?? "";
  url.searchParams.delete("key");
  if (fragment.has("key")) url.hash = "";
  const path = url.pathname === SIGN_IN ? "/" : url.pathname;
  return { key, rest: path + url.search + url.hash };
}

function isSignIn(): boolean {
  return window.location.pathname === SIGN_IN || takeKey(window.location.href).key !== "";
}

export async function signIn(key: string): Promise<void> {
  await post<Session | undefined>("/session", { key });
}

/** Trades a key in the address for a session, once; `done` when there is nothing (left) to trade. */
export function useKeyInAddress(): "pending" | "done" {
  const [state, setState] = useState<"pending" | "done">(() => (isSignIn() ? "pending" : "done"));
  useEffect(() => {
    if (state === "done") return;
    const { key, rest } = takeKey(window.location.href);
    window.history.replaceState(window.history.state, "", rest);
    // A refused key shows in the session query that follows: it says how to get a good one.
    void (key ? signIn(key) : Promise.resolve())
      .catch(() => undefined)
      .finally(() => setState("done"));
  }, [state]);
  return state;
}

export function SignIn({ problem, retry }: { problem: Problem; retry: () => void }) {
  const cache = useQueryClient();
  const [key, setKey] = useState("");
  const [refusal, setRefusal] = useState<Problem | null>(null);
  const down = problem.status === 0;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    try {
      await signIn(key.trim());
      setRefusal(null);
      await cache.invalidateQueries({ queryKey: sessionQuery.queryKey });
    } catch (error) {
      setRefusal(asProblem(error));
    }
  };

  return (
    <main className={css.page}>
      <section className={css.card}>
        <Logo />
        {down ? (
          <>
            <h1>The server does not answer</h1>
            <p>Start it in the directory of your project, then come back:</p>
            <pre>toque dev</pre>
            <Button onClick={retry}>Try again</Button>
          </>
        ) : (
          <>
            <h1>Sign in</h1>
            <p>
              This server shows its pages only to those who hold its key. In the directory of the project, this prints an address that
              opens them signed in:
            </p>
            <pre>toque open</pre>
            <form onSubmit={(event) => void submit(event)} className={css.form}>
              <label htmlFor="key">Or paste the key</label>
              <input
                id="key"
                type="password"
                autoComplete="off"
                value={key}
                onChange={(event) => setKey(event.target.value)}
                aria-describedby={refusal ? "refusal" : undefined}
                required
              />
              <Button kind="primary" type="submit">
                Sign in
              </Button>
            </form>
            {refusal && (
              <p id="refusal" role="alert" className={css.refusal}>
                {refusal.message} {refusal.fix}
              </p>
            )}
          </>
        )}
      </section>
    </main>
  );
}
