/** The code of a pipeline by version: read it, lay two side by side, go back to one. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { seg } from "@/api/client";
import { asProblem } from "@/api/problem";
import { CodeView, DiffView } from "@/code/later";
import { Button } from "@/design/button";
import { Empty } from "@/design/empty";
import { SelectField } from "@/design/field";
import { Icon } from "@/design/icon";
import { ProblemBox } from "@/design/problem-box";
import { Skeleton } from "@/design/skeleton";
import { Time } from "@/design/time";
import { bytes, moment, shortVersion } from "@/design/words";
import { diffQuery, fileQuery, filesQuery, versionsQuery } from "@/pipeline/queries";
import { useActions } from "@/run/actions";
import type { Version } from "@/run/types";
import css from "./code-tab.module.css";


interface CodeTabProps {
  name: string;
  version: string;
  against: string;
  file: string;
  go: (next: { version?: string; against?: string; file?: string }) => void;
}

export function CodeTab({ name, version, against, file, go }: CodeTabProps) {
  const versions = useQuery(versionsQuery(name));
  if (versions.error) return <ProblemBox problem={asProblem(versions.error)} />;
  if (!versions.data) return <Skeleton rows={8} />;
  const all = versions.data.items;
  const chosen = all.find((each) => each.version === version) ?? all.find((each) => each.is_current) ?? all[0];
  if (!chosen)
    return (
      <Empty title="No version is stored yet">
        A version is stored when the server reads the file, or when a run starts.
      </Empty>
    );
  return (
    <div className={css.layout}>
      <Versions name={name} versions={all} chosen={chosen} go={go} />
      <div className={css.main}>
        <div className={css.tools}>
          <SelectField
            label="Compare with"
            value={against}
            change={(value) => go({ against: value || undefined })}
            options={[
              { value: "", text: "as it is" },
              ...all
                .filter((each) => each !== chosen)
                .map((each) => ({
                  value: each.version,
                  text: `beside ${shortVersion(each.version)}, ${moment(each.created_us)}`,
                })),
            ]}
          />
        </div>
        {against ? <Changes before={against} after={chosen.version} /> : <Files version={chosen} file={file} go={go} />}
      </div>
    </div>
  );
}

function Versions({
  name,
  versions,
  chosen,
  go,
}: {
  name: string;
  versions: readonly Version[];
  chosen: Version;
  go: CodeTabProps["go"];
}) {
  const { offer, dialog } = useActions();
  const cache = useQueryClient();
  const rollback = (version: Version) =>
    offer({
      title: "Make it the current version",
      path: `/pipelines/${seg(name)}/rollback`,
      body: { version: version.version },
      words: `New runs of ${name} use version ${shortVersion(version.version)} of ${moment(version.created_us)}. Runs that are active keep theirs. The next change of its file makes that version the current one.`,
      asksReason: true,
      said: () => "New runs use it from now on",
      done: () =>
        void cache.invalidateQueries({
          predicate: ({ queryKey }) => queryKey[0] === "pipeline-versions" || queryKey[0] === "pipeline",
        }),
    });
  return (
    <ol className={css.versions} aria-label="Versions, newest first">
      {versions.map((version, at) => {
        const before = versions[at + 1];
        return (
          <li key={version.version} data-chosen={version === chosen}>
            <button
              type="button"
              aria-current={version === chosen ? "true" : undefined}
              onClick={() => go({ version: version.version, against: undefined })}
            >
              <code>{shortVersion(version.version)}</code> {version.is_current && <strong>current</strong>}
              <span>
                <Time us={version.created_us} />
                {version.actor && ` by ${version.actor}`}
              </span>
              {version.git_commit && (
                <span>
                  git {version.git_commit.slice(0, 8)}
                  {version.git_dirty && ", with changes"}
                </span>
              )}
            </button>
            {version === chosen && (before || !version.is_current) && (
              <p className={css.acts}>
                {before && (
                  <Button onClick={() => go({ version: version.version, against: before.version })}>
                    What changed
                  </Button>
                )}
                {!version.is_current && <Button onClick={() => rollback(version)}>Go back to it</Button>}
              </p>
            )}
          </li>
        );
      })}
      {dialog}
    </ol>
  );
}

function Files({ version, file, go }: { version: Version; file: string; go: CodeTabProps["go"] }) {
  const files = useQuery(filesQuery(version.version));
  const path =
    files.data?.files.find((each) => each.path === file)?.path ??
    files.data?.files.find((each) => each.path === version.file)?.path ??
    files.data?.files[0]?.path ??
    "";
  const text = useQuery({ ...fileQuery(version.version, path), enabled: path !== "" });
  if (files.error) return <ProblemBox problem={asProblem(files.error)} />;
  if (!files.data) return <Skeleton rows={6} />;
  return (
    <div className={css.files}>
      <div className={css.tabs} role="group" aria-label="Files of this version">
        {files.data.files.map((each) => (
          <button
            key={each.path}
            type="button"
            aria-pressed={each.path === path}
            title={bytes(each.size)}
            onClick={() => go({ file: each.path })}
          >
            <Icon name="file" size={12} /> {each.path}
          </button>
        ))}
      </div>
      {text.error && <ProblemBox problem={asProblem(text.error)} />}
      {text.data ? <CodeView text={text.data.text} path={text.data.path} /> : !text.error && <Skeleton rows={12} height={16} />}
    </div>
  );
}

function Changes({ before, after }: { before: string; after: string }) {
  const diff = useQuery(diffQuery(before, after));
  if (diff.error) return <ProblemBox problem={asProblem(diff.error)} />;
  if (!diff.data) return <Skeleton rows={8} />;
  const { graph, files } = diff.data;
  return (
    <div className={css.files}>
      {graph.length > 0 ? (
        <ul className={css.changes}>
          {graph.map((change, at) => (
            <li key={at} data-kind={change.kind}>
              <strong>{change.kind}</strong> <code>{change.node}</code> <span>{change.text}</span>
            </li>
          ))}
        </ul>
      ) : (
        <p className={css.same}>The graph is the same.</p>
      )}
      {files.length === 0 && <p className={css.same}>The code is the same.</p>}
      {files.map((each) => (
        <section key={each.path}>
          <h3 className={css.path}>
            {each.path} <span>{each.status}</span>
          </h3>
          <DiffView before={each.before} after={each.after} path={each.path} />
        </section>
      ))}
    </div>
  );
}
