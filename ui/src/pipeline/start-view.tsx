/** Start a run: a form out of the JSON Schema of the pipeline's parameters. */

import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState, type FormEvent } from "react";
import { post, seg } from "@/api/client";
import { asProblem, type Problem } from "@/api/problem";
import { runQuery } from "@/api/queries";
import { useToasts } from "@/app/toasts";
import { Button } from "@/design/button";
import { Icon } from "@/design/icon";
import { ProblemBox } from "@/design/problem-box";
import { Control } from "@/pipeline/schema-control";
import { fieldsOf, readAll, shown, type Field, type Schema } from "@/pipeline/schema-form";
import type { PipelineDetail, Run } from "@/run/types";
import css from "./start.module.css";

/** `from`: a run whose parameters the form begins with. */
export function StartView({ pipeline, from }: { pipeline: PipelineDetail; from: string }) {
  const model = useQuery({ ...runQuery(from), enabled: from !== "" });
  if (from && model.isPending) return null;
  return <Form key={from} pipeline={pipeline} given={(model.data?.parameters ?? {}) as Record<string, unknown>} />;
}

function Form({ pipeline, given }: { pipeline: PipelineDetail; given: Record<string, unknown> }) {
  const fields = useMemo(() => fieldsOf(pipeline.parameters as Schema, given), [pipeline.parameters, given]);
  const [texts, setTexts] = useState<Record<string, string>>({});
  const [reason, setReason] = useState("");
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Problem | null>(null);
  const toasts = useToasts();
  const navigate = useNavigate();
  const { parameters, problems } = readAll(fields, texts);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setTried(true);
    const wrong = Object.keys(problems)[0];
    if (wrong !== undefined) {
      event.currentTarget.querySelector<HTMLElement>(`[name="${CSS.escape(wrong)}"]`)?.focus();
      return;
    }
    setBusy(true);
    setRefused(null);
    try {
      const run = await post<Run>(`/pipelines/${seg(pipeline.name)}/runs`, { parameters, reason });
      toasts.say(`A run of ${pipeline.name} has begun`);
      void navigate({ to: "/runs/$runId", params: { runId: run.run_id }, search: {} });
    } catch (error) {
      setRefused(asProblem(error));
      setBusy(false);
    }
  };
  const said = (field: Field) =>
    refused?.errors.find((error) => error.field.split(".").pop() === field.name)?.message ?? "";
  return (
    <form className={css.form} onSubmit={(event) => void submit(event)} noValidate>
      {fields.length === 0 && <p className={css.hint}>It takes no parameters.</p>}
      {fields.map((field) => (
        <Control
          key={field.name}
          field={field}
          text={texts[field.name] ?? shown(field, field.start)}
          change={(text) => setTexts({ ...texts, [field.name]: text })}
          problem={(tried || field.name in texts ? (problems[field.name] ?? "") : "") || said(field)}
        />
      ))}
      <label className={css.field}>
        <span className={css.label}>
          Why? <span>may stay empty</span>
        </span>
        <input value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
        <span className={css.hint}>What you write is kept with the run.</span>
      </label>
      {refused && <ProblemBox problem={refused} />}
      {pipeline.paused && <p className={css.hint}>The pipeline is paused: its schedules start nothing, but you can.</p>}
      <div>
        <Button kind="primary" type="submit" disabled={busy}>
          <Icon name="play" /> Start a run
        </Button>
      </div>
    </form>
  );
}
