/** What a run has of dbt: each model with its state, its time, its rows and its tests, and the SQL that dbt made of it. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { asProblem } from "@/api/problem";
import type { DbtModel } from "@/api/types";
import { Button } from "@/design/button";
import { Dotted } from "@/design/dotted";
import { Empty } from "@/design/empty";
import { ProblemBox } from "@/design/problem-box";
import { Skeleton } from "@/design/skeleton";
import { StateIcon, StateMark } from "@/design/state";
import { Took } from "@/design/time";
import { CompiledSql } from "@/run/compiled-sql";
import { DbtDocsLink } from "@/run/dbt-docs-link";
import { tallyOf, tallyWords, toldOf, type Told } from "@/run/dbt-model";
import { dbtQuery } from "@/run/queries";
import type { RunDetail } from "@/run/types";
import css from "./dbt.module.css";

const FIRST = `models = DbtProject("dbt", connection=warehouse)
shop = pipeline("shop", assets=[models])`;

export function DbtView({ run, open }: { run: RunDetail; open: (task: string) => void }) {
  const asked = useQuery(dbtQuery(run.run_id));
  const told = useMemo(() => toldOf(run.nodes), [run.nodes]);
  const [shown, setShown] = useState("");
  if (asked.error && !asked.data) return <ProblemBox problem={asProblem(asked.error)} />;
  if (!asked.data) {
    return (
      <div className={css.room}>
        <Skeleton rows={6} />
      </div>
    );
  }
  const models = asked.data.items;
  if (models.length === 0) {
    return (
      <Empty title="Nothing of dbt runs here" command={FIRST}>
        Each model, seed, snapshot and test of a dbt project is a task of the run.
      </Empty>
    );
  }
  return (
    <div className={css.room} tabIndex={0} role="region" aria-label="Models of dbt">
      <table className={css.table}>
        <thead>
          <tr>
            {["Model", "State", "Took", "Rows", "Tests", "SQL"].map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        {models.map((model) => (
          <tbody key={model.task}>
            <Row model={model} told={told} open={open} isOpen={shown === model.task} toggle={() => setShown(shown === model.task ? "" : model.task)} />
            {shown === model.task && (
              <tr>
                <td colSpan={6} className={css.sql}>
                  <Tests model={model} told={told} open={open} />
                  <CompiledSql runId={run.run_id} task={model.task} />
                </td>
              </tr>
            )}
          </tbody>
        ))}
      </table>
    </div>
  );
}

interface RowProps {
  model: DbtModel;
  told: ReadonlyMap<string, Told>;
  open: (task: string) => void;
  isOpen: boolean;
  toggle: () => void;
}

function Row({ model, told, open, isOpen, toggle }: RowProps) {
  const mine = told.get(model.task);
  const tally = tallyOf(model, told);
  const name = model.unique_id.split(".").slice(2).join(".") || model.task;
  return (
    <tr data-open={isOpen}>
      <th scope="row">
        <button type="button" className={css.name} onClick={() => open(model.task)}>
          {name}
        </button>
        <span className={css.kind}>
          {model.kind === model.materialized ? model.kind : `${model.kind}, ${model.materialized}`}
          {model.asset && (
            <>
              {" · "}
              <Link to="/assets/$key" params={{ key: model.asset }}>
                <Dotted name={model.asset} />
              </Link>
            </>
          )}
          {model.docs && " · "}
          <DbtDocsLink model={model} name={name} />
        </span>
      </th>
      <td>
        <StateMark state={mine?.state ?? "waiting"} />
      </td>
      <td>{mine?.startedUs ? <Took fromUs={mine.startedUs} toUs={mine.finishedUs} /> : "–"}</td>
      <td data-right="true">{model.rows?.toLocaleString() ?? "–"}</td>
      <td>
        {tally.failed > 0 && <StateIcon state="failed" />} {tallyWords(tally)}
      </td>
      <td>
        <Button aria-expanded={isOpen} aria-label={`${isOpen ? "Hide" : "Show"} tests and SQL of ${name}`} onClick={toggle}>
          {isOpen ? "Hide" : "Show"}
        </Button>
      </td>
    </tr>
  );
}

function Tests({ model, told, open }: { model: DbtModel; told: ReadonlyMap<string, Told>; open: (task: string) => void }) {
  return (
    <ul className={css.tests} aria-label={`Tests of ${model.unique_id}`}>
      {model.tests.map((test) => (
        <li key={test.task}>
          <StateMark state={told.get(test.task)?.state ?? "waiting"} quiet />
          <button type="button" className={css.name} onClick={() => open(test.task)}>
            {test.name}
          </button>
        </li>
      ))}
    </ul>
  );
}
