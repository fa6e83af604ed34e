/** A backfill that is planned before it is started: the server says what it would start, then the same is sent in earnest. */

import { useNavigate } from "@tanstack/react-router";
import { useState, type FormEvent } from "react";
import { post } from "@/api/client";
import { asProblem, type Problem } from "@/api/problem";
import type { Backfill } from "@/api/types";
import { useToasts } from "@/app/toasts";
import { plural } from "@/design/words";

export interface Planning {
  /** What it would start; `null` until it was asked, and again once anything of the form has changed. */
  plan: Backfill | null;
  problem: Problem | null;
  busy: boolean;
  /** Wraps a setter of the form. */
  changed: <T>(set: (value: T) => void) => (value: T) => void;
  submit: (event: FormEvent) => void;
}

/** `body` is asked for at each of both steps: what is started is what was shown. */
export function usePlan(path: string, body: () => Record<string, unknown>, close: () => void): Planning {
  const [plan, setPlan] = useState<Backfill | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const toasts = useToasts();
  const navigate = useNavigate();
  const send = async (dry_run: boolean) => {
    setBusy(true);
    setProblem(null);
    try {
      const backfill = await post<Backfill>(path, { ...body(), dry_run });
      if (dry_run) setPlan(backfill);
      else {
        toasts.say(`The backfill starts ${plural(backfill.total, "run")}`);
        close();
        void navigate({ to: "/backfills", search: { id: backfill.id } });
      }
    } catch (error) {
      setProblem(asProblem(error));
    }
    setBusy(false);
  };
  return {
    plan,
    problem,
    busy,
    changed: (set) => (value) => {
      set(value);
      setPlan(null);
    },
    submit: (event) => {
      event.preventDefault();
      void send(plan === null);
    },
  };
}
