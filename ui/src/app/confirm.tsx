/** Asks before an action, and shows what it will touch: the server says that, for the very request that will be sent. */

import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { post } from "@/api/client";
import { asProblem } from "@/api/problem";
import type { Preview } from "@/api/types";
import { useToasts } from "@/app/toasts";
import { Button } from "@/design/button";
import { Dialog } from "@/design/dialog";
import { ProblemBox } from "@/design/problem-box";
import { Skeleton } from "@/design/skeleton";
import { plural, taskName } from "@/design/words";
import css from "./confirm.module.css";

export interface Action {
  /** What the button does, as a command: "Cancel the run". */
  title: string;
  path: string;
  body?: Record<string, unknown>;
  /** Whether the API can say what it would touch (`preview: true`); else `words` must. */
  previews?: boolean;
  words?: string;
  danger?: boolean;
  /** Whether a reason is asked for: it is kept with the fact. */
  asksReason?: boolean;
  said?: (answer: unknown) => string;
  done?: (answer: unknown) => void;
}

const SHOWN = 40;

export function Confirm({ action, close }: { action: Action; close: () => void }) {
  const toasts = useToasts();
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const preview = useQuery({
    queryKey: ["preview", action.path, action.body ?? {}],
    queryFn: () => post<Preview>(action.path, { ...action.body, reason: "", preview: true }),
    enabled: action.previews === true,
    staleTime: 0,
    gcTime: 0,
  });
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      const answer = await post<unknown>(action.path, { ...action.body, ...(action.asksReason ? { reason } : {}) });
      toasts.say(action.said?.(answer) ?? `Done: ${action.title.toLowerCase()}`);
      close();
      action.done?.(answer);
    } catch (error) {
      toasts.fail(asProblem(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={action.title} close={close}>
      <form className={css.form} onSubmit={(event) => void submit(event)}>
        {action.words && <p>{action.words}</p>}
        {action.previews && (preview.isPending ? <Skeleton rows={3} height={20} /> : null)}
        {preview.error && <ProblemBox problem={asProblem(preview.error)} />}
        {preview.data && <Effects preview={preview.data} />}
        {action.asksReason && (
          <label className={css.reason}>
            Why? <span>It may stay empty. What you write is kept with the run.</span>
            <input value={reason} onChange={(event) => setReason(event.target.value)} maxLength={500} />
          </label>
        )}
        <div className={css.foot}>
          <Button onClick={close}>Leave it</Button>
          <Button kind={action.danger ? "danger" : "primary"} type="submit" disabled={busy || (action.previews && !preview.data)}>
            {action.title}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Effects({ preview }: { preview: Preview }) {
  const more = preview.effects.length - SHOWN;
  return (
    <div className={css.effects}>
      <p className={css.summary}>{preview.summary}</p>
      {preview.effects.length > 0 && (
        <ul>
          {preview.effects.slice(0, SHOWN).map((effect) => (
            <li key={taskName(effect.task, effect.index) + effect.what}>
              <code>{taskName(effect.task, effect.index)}</code>
              <span>{effect.what}</span>
            </li>
          ))}
          {more > 0 && <li>and {plural(more, "more", "more")}</li>}
        </ul>
      )}
    </div>
  );
}
