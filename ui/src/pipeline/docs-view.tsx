/** What the author says: the docstrings of the pipeline and of its tasks. */

import { useQuery } from "@tanstack/react-query";
import { Empty } from "@/design/empty";
import { fieldsOf, type Schema } from "@/pipeline/schema-form";
import { pipelineGraphQuery } from "@/pipeline/queries";
import type { PipelineDetail } from "@/run/types";
import { Markdown } from "@/values/markdown";
import css from "./docs.module.css";

export function DocsView({ pipeline }: { pipeline: PipelineDetail }) {
  const graph = useQuery(pipelineGraphQuery(pipeline.name));
  const told = graph.data?.nodes.filter((node) => node.doc && node.kind !== "map") ?? [];
  const fields = fieldsOf(pipeline.parameters as Schema);
  if (!pipeline.doc && told.length === 0 && fields.length === 0) {
    return <Empty title="Nothing is written about it">The docstrings of its functions are shown here.</Empty>;
  }
  return (
    <div className={css.docs}>
      {pipeline.doc && <Markdown text={pipeline.doc} />}
      {fields.length > 0 && (
        <section>
          <h2>Parameters</h2>
          <dl>
            {fields.map((field) => (
              <div key={field.name}>
                <dt>
                  <code>{field.name}</code>
                  <span>
                    {field.kind}
                    {field.required ? "" : ` = ${JSON.stringify(field.start ?? null)}`}
                  </span>
                </dt>
                <dd>{field.description && <Markdown text={field.description} />}</dd>
              </div>
            ))}
          </dl>
        </section>
      )}
      {told.length > 0 && (
        <section>
          <h2>Tasks</h2>
          <dl>
            {told.map((node) => (
              <div key={node.id}>
                <dt>
                  <code>{node.id}</code>
                  {node.origin && (
                    <span>
                      {node.origin.file}:{node.origin.line}
                    </span>
                  )}
                </dt>
                <dd>
                  <Markdown text={node.doc} />
                </dd>
              </div>
            ))}
          </dl>
        </section>
      )}
    </div>
  );
}
