/** The pass: one ticket for each thing that waits for a person, the newest first, each with what can be done about it. */

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { seg } from "@/api/client";
import { asProblem } from "@/api/problem";
import { attentionQuery } from "@/api/queries";
import type { Attention, AttentionKind } from "@/api/types";
import { Confirm, type Action } from "@/app/confirm";
import { useShortcut } from "@/app/keys";
import { useRows } from "@/app/rows";
import { Button } from "@/design/button";
import { Section } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { local } from "@/design/said";
import { Skeleton } from "@/design/skeleton";
import { StateIcon, type Tone } from "@/design/state";
import { Time } from "@/design/time";
import css from "./page.module.css";

const KINDS: Record<AttentionKind, { words: string; tone: Tone }> = {
  failed_run: { words: "Failed run", tone: "failed" },
  late_run: { words: "Late run", tone: "retrying" },
  broken_file: { words: "Broken file", tone: "failed" },
  missed_ticks: { words: "Missed ticks", tone: "retrying" },
  down_worker: { words: "Worker down", tone: "failed" },
  overdue: { words: "Overdue", tone: "failed" },
  failing_check: { words: "Failing check", tone: "failed" },
};

export function NeedsYou() {
  const attention = useQuery(attentionQuery);
  const navigate = useNavigate();
  const list = useRef<HTMLUListElement>(null);
  const [action, setAction] = useState<Action | null>(null);
  const items = attention.data?.items ?? [];
  const open = (at: number) => {
    const item = items[at];
    if (item) void navigate(placeOf(item));
  };
  const { at } = useRows(items.length, open, (row) => list.current?.children[row]?.scrollIntoView({ block: "nearest" }));
  const current = items[at];
  useShortcut("r", "Retry the run of the ticket", () => current && setAction(retryOf(current)), current?.kind === "failed_run");

  return (
    <Section title="Needs you" note={items.length > 0 && `${items.length.toLocaleString()} open`}>
      {attention.isPending && (
        <div className={css.tickets}>
          <Skeleton rows={3} height={56} />
        </div>
      )}
      {attention.error && !attention.data && <ProblemBox problem={asProblem(attention.error)} />}
      {attention.data && items.length === 0 && (
        <p className={css.well}>
          <StateIcon state="succeeded" size={20} />
          <span>
            Nothing waits for a person.
            <small>Failed and late runs, data that is overdue or fails a check, broken files and missed ticks come up here.</small>
          </span>
        </p>
      )}
      <ul className={css.tickets} ref={list} hidden={items.length === 0}>
        {items.map((item, row) => (
          <Ticket key={item.kind + item.run_id + item.pipeline + item.title} item={item} current={row === at} retry={() => setAction(retryOf(item))} />
        ))}
      </ul>
      {action && <Confirm action={action} close={() => setAction(null)} />}
    </Section>
  );
}

function Ticket({ item, current, retry }: { item: Attention; current: boolean; retry: () => void }) {
  const kind = KINDS[item.kind];
  return (
    <li className={css.ticket} data-tone={kind.tone} data-current={current}>
      <div className={css.what}>
        <span className={css.kind}>{kind.words}</span>
        <Link {...placeOf(item)} className={css.title}>
          {item.title}
        </Link>
        <span className={css.since}>
          <Time us={item.since_us} />
        </span>
      </div>
      {item.detail && <p className={css.detail}>{local(item.detail)}</p>}
      {item.kind === "failed_run" && (
        <div className={css.do}>
          <Button onClick={retry}>Retry</Button>
        </div>
      )}
    </li>
  );
}

function placeOf(item: Attention) {
  if (item.asset) return { to: "/assets/$key", params: { key: item.asset }, search: { check: item.check } } as const;
  if (item.run_id) return { to: "/runs/$runId", params: { runId: item.run_id } } as const;
  if (item.kind === "missed_ticks" && item.pipeline) {
    return { to: "/pipelines/$name/$view", params: { name: item.pipeline, view: "schedules" } } as const;
  }
  return { to: "/system" } as const;
}

function retryOf(item: Attention): Action {
  return {
    title: "Retry the run",
    path: `/runs/${seg(item.run_id)}/retry`,
    previews: true,
    asksReason: true,
    said: () => `${item.pipeline} goes on`,
  };
}
