/** To the page that dbt made of its project, at the place of a model. */

import type { DbtModel } from "@/api/types";
import { docsOf } from "@/run/dbt-model";

export function DbtDocsLink({ model, name }: { model: DbtModel; name: string }) {
  const address = docsOf(model);
  if (!address) return null;
  return (
    <a href={address} target="_blank" rel="noopener" aria-label={`Docs of ${name}, by dbt, in a new tab`}>
      docs
    </a>
  );
}
