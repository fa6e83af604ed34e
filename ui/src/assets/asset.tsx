/** One asset: whether it is fresh, its slices, what it is made from, who reads it, and what was told of it. */

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useTopic } from "@/api/live";
import { asProblem } from "@/api/problem";
import type { AssetDetail } from "@/api/types";
import { Automation } from "@/assets/automation";
import { Checks } from "@/assets/checks";
import { Columns } from "@/assets/columns";
import { AddKeys } from "@/assets/add-keys";
import { History } from "@/assets/history";
import { AgeMark, StandingMark } from "@/assets/marks";
import { MakeDialog } from "@/assets/make";
import { Matrix, type Brushed } from "@/assets/matrix";
import { rangeText } from "@/assets/matrix-model";
import { Measures } from "@/assets/measures";
import { assetQuery, partitionsQuery } from "@/assets/queries";
import { RowsLine } from "@/assets/rows-line";
import { SliceCard } from "@/assets/slice-card";
import { reasonOf, standingOf } from "@/assets/standing";
import { Button } from "@/design/button";
import { Page, Section } from "@/design/page";
import { ProblemBox } from "@/design/problem-box";
import { PageSkeleton, Skeleton } from "@/design/skeleton";
import { CompiledSql } from "@/run/compiled-sql";
import { DbtDocsLink } from "@/run/dbt-docs-link";
import { dbtQuery } from "@/run/queries";
import { Tag } from "@/design/tag";
import { local } from "@/design/said";
import { Time } from "@/design/time";
import { bytes, plural } from "@/design/words";
import css from "./asset.module.css";

export interface AssetSearch {
  partition?: string;
  until?: string;
  kind?: string;
  check?: string;
  column?: string;
}

export function AssetPage() {
  const { key = "" } = useParams({ strict: false });
  useTopic(`asset:${key}`);
  const asset = useQuery(assetQuery(key));
  if (asset.error && !asset.data) {
    return (
      <Page title={key}>
        <ProblemBox problem={asProblem(asset.error)}>
          <Link to="/assets">All assets</Link>
        </ProblemBox>
      </Page>
    );
  }
  if (!asset.data) return <PageSkeleton />;
  return <Loaded key={key} asset={asset.data} />;
}

function Loaded({ asset }: { asset: AssetDetail }) {
  const search = useSearch({ strict: false }) as AssetSearch;
  const navigate = useNavigate();
  const [making, setMaking] = useState(false);
  const go = (next: AssetSearch) =>
    void navigate({
      to: "/assets/$key",
      params: { key: asset.key },
      search: (old: AssetSearch) => ({ ...old, ...next }),
      replace: true,
      resetScroll: false,
    });
  const chosen = search.partition ? { from: search.partition, until: search.until ?? "" } : null;
  return (
    <Page
      title={asset.key}
      note={<Facts asset={asset} />}
      actions={
        <>
          {asset.io.startsWith("sync") && (
            <Link to="/syncs/$key" params={{ key: asset.key }} className={css.action}>
              Sync
            </Link>
          )}
          <Link to="/assets" search={{ view: "lineage", focus: asset.key }} className={css.action}>
            Lineage
          </Link>
          {!asset.external && <Button onClick={() => setMaking(true)}>Materialize…</Button>}
        </>
      }
    >
      <div className={css.columns}>
        <div className={css.main}>
          {asset.doc && <p className={css.doc}>{asset.doc}</p>}
          <Last asset={asset} />
          {asset.partitions ? (
            <Slices asset={asset} chosen={chosen} make={() => setMaking(true)} choose={(brushed) => go({ partition: brushed.from, until: brushed.until || undefined } as AssetSearch)} />
          ) : (
            asset.last && !asset.external && <SliceCard asset={asset.key} partition="" title="How it stands" />
          )}
          {asset.automation && <Automation asset={asset} automation={asset.automation} />}
          <Checks asset={asset.key} partition={search.partition ?? ""} open={search.check ?? ""} go={go} />
          <Columns asset={asset} column={search.column ?? ""} />
          {asset.io.startsWith("dbt") && asset.last?.run_id && <OfDbt asset={asset} runId={asset.last.run_id} task={asset.last.task} />}
          <Measures asset={asset.key} partition={search.partition ?? ""} />
          <History asset={asset} partition={search.partition ?? ""} kind={search.kind ?? ""} go={go} />
        </div>
        <div className={css.side}>
          <Neighbours title="Made from" keys={asset.upstream} none="Nothing that Toque knows of." words={(key) => asset.sources.find((each) => each.asset === key)?.mapping ?? ""} />
          <Neighbours title="Read by" keys={asset.downstream} none="No other asset." words={() => ""} />
          <Made asset={asset} />
        </div>
      </div>
      {making && <MakeDialog asset={asset} chosen={chosen} close={() => setMaking(false)} />}
    </Page>
  );
}

function Facts({ asset }: { asset: AssetDetail }) {
  const reason = reasonOf(asset);
  return (
    <span className={css.facts}>
      <StandingMark standing={standingOf(asset)} />
      <AgeMark freshness={asset.freshness} />
      {reason && standingOf(asset) !== "missing" && <span>{reason}</span>}
      {asset.broken && <Link to="/system">its file cannot be loaded</Link>}
      {asset.group && (
        <Link to="/assets" search={{ group: asset.group }}>
          {asset.group}
        </Link>
      )}
      {asset.owner && (
        <Link to="/assets" search={{ owner: asset.owner }}>
          {asset.owner}
        </Link>
      )}
      {asset.tags.map((tag) => (
        <Tag key={tag}>{tag}</Tag>
      ))}
    </span>
  );
}

function Last({ asset }: { asset: AssetDetail }) {
  const last = asset.last;
  if (!last) return <p className={css.none}>No run made it yet, or looked at it.</p>;
  return (
    <dl className={css.last}>
      <div>
        <dt>Made</dt>
        <dd>
          {last.run_id ? (
            <Link to="/runs/$runId" params={{ runId: last.run_id }} search={{ task: last.task }}>
              <Time us={last.materialized_us} none="never" />
            </Link>
          ) : (
            <Time us={last.materialized_us} none="never" />
          )}
          {last.partition && (
            <>
              {" "}
              <code>{last.partition}</code>
            </>
          )}
        </dd>
      </div>
      {last.observed_us > 0 && (
        <div>
          <dt>Looked at</dt>
          <dd>
            <Time us={last.observed_us} />
          </dd>
        </div>
      )}
      {asset.freshness && (
        <div>
          <dt>Freshness</dt>
          <dd title={asset.freshness.policy}>{local(asset.freshness.words)}</dd>
        </div>
      )}
      <div>
        <dt>Rows</dt>
        <dd>
          {last.rows?.toLocaleString() ?? "–"} <RowsLine asset={asset.key} />
        </dd>
      </div>
      <div>
        <dt>Size</dt>
        <dd>{last.size_bytes === null ? "–" : bytes(last.size_bytes)}</dd>
      </div>
    </dl>
  );
}

function OfDbt({ asset, runId, task }: { asset: AssetDetail; runId: string; task: string }) {
  const models = useQuery(dbtQuery(runId));
  const model = models.data?.items.find((each) => each.task === task);
  const note = `as dbt ran it, ${asset.io.replace("dbt, ", "a ")}`;
  return (
    <Section
      title="Compiled SQL"
      note={
        <>
          {note}
          {model?.docs && " · "}
          {model && <DbtDocsLink model={model} name={asset.key} />}
        </>
      }
    >
      <div className={css.inset}>
        <CompiledSql runId={runId} task={task} />
      </div>
    </Section>
  );
}

interface SlicesProps {
  asset: AssetDetail;
  chosen: Brushed | null;
  choose: (brushed: Brushed) => void;
  make: () => void;
}

function Slices({ asset, chosen, choose, make }: SlicesProps) {
  const [adding, setAdding] = useState("");
  const states = useQuery(partitionsQuery(asset.key));
  const cut = asset.partitions;
  return (
    <Section title="Partitions" note={cut && `${plural(cut.count, "partition")} · ${cut.words}`}>
      <div className={css.inset}>
        {states.error && !states.data && <ProblemBox problem={asProblem(states.error)} />}
        {states.isPending && <Skeleton rows={3} />}
        {states.data && <Matrix states={states.data} chosen={chosen} choose={choose} />}
        <p className={css.facts}>
          {chosen && !asset.external && (
            <Button onClick={make}>
              Make <code>{rangeText(chosen.from, chosen.until)}</code>…
            </Button>
          )}
          {cut?.dynamic.map((name) => (
            <Button key={name} onClick={() => setAdding(name)}>
              Add partitions…
            </Button>
          ))}
        </p>
        {adding && <AddKeys name={adding} close={() => setAdding("")} />}
        {states.data && chosen && <SliceCard asset={asset.key} partition={chosen.from} title={chosen.from} />}
      </div>
    </Section>
  );
}

function Neighbours({ title, keys, none, words }: { title: string; keys: readonly string[]; none: string; words: (key: string) => string }) {
  return (
    <Section title={title}>
      <ul className={css.list}>
        {keys.length === 0 && <li className={css.none}>{none}</li>}
        {keys.map((key) => (
          <li key={key}>
            <Link to="/assets/$key" params={{ key }}>
              {key}
            </Link>
            {words(key) && <span className={css.none}> {words(key)}</span>}
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Made({ asset }: { asset: AssetDetail }) {
  return (
    <Section title="Made by">
      <ul className={css.list}>
        {asset.pipelines.map((name) => (
          <li key={name}>
            <Link to="/pipelines/$name" params={{ name }}>
              {name}
            </Link>
          </li>
        ))}
        {asset.pipelines.length === 0 && (
          <li className={css.none}>{asset.external ? "Something else: Toque only knows of it." : "No pipeline; Materialize makes it."}</li>
        )}
        {asset.origin && (
          <li>
            <code>
              {asset.origin.file}
              {asset.origin.line > 0 && `:${asset.origin.line}`}
            </code>
          </li>
        )}
        {asset.io && <li className={css.none}>{/^(load|sync|dbt|dlt)/.test(asset.io) ? asset.io : `kept in ${asset.io}`}</li>}
      </ul>
    </Section>
  );
}
