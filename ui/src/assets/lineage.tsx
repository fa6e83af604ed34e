/** The lineage of tables: every asset, and what it is made from. */

import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { asProblem } from "@/api/problem";
import { assetGraphQuery } from "@/assets/queries";
import { drawn, STANDINGS, worstOf } from "@/assets/standing";
import { ProblemBox } from "@/design/problem-box";
import { PageSkeleton } from "@/design/skeleton";
import { GraphView } from "@/graph/graph-view";

export function Lineage({ selected }: { selected: string }) {
  const navigate = useNavigate();
  const asked = useQuery(assetGraphQuery);
  const data = asked.data;
  const edges = data && JSON.stringify([data.nodes.map(({ key, group }) => [key, group]), data.edges]);
  // Asked again every few seconds: laid out again only when its shape changed.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const graph = useMemo(() => data && drawn(data), [edges]);
  const byKey = useMemo(() => new Map(data?.nodes.map((node) => [node.key, node])), [data]);
  const markOf = useCallback(
    (members: readonly string[]) => {
      const nodes = members.flatMap((member) => byKey.get(member) ?? []);
      const worst = STANDINGS[worstOf(nodes.map((node) => node.state))];
      return { state: worst.state, words: nodes.length === 1 ? (nodes[0]?.words ?? worst.word) : worst.word };
    },
    [byKey],
  );
  if (asked.error && !data) return <ProblemBox problem={asProblem(asked.error)} />;
  if (!graph) return <PageSkeleton />;
  return (
    <GraphView
      graph={graph}
      selected={selected}
      markOf={markOf}
      unit="asset"
      select={(key) => void navigate({ to: "/assets/$key", params: { key } })}
    />
  );
}
