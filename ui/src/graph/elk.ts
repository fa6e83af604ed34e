/** elk in a worker of its own, started when the first graph is laid out: the page never waits for it. */

import type { ELK } from "elkjs/lib/elk-api";
import workerUrl from "elkjs/lib/elk-worker.min.js?url";
import { Layouts, type ElkNode } from "@/graph/layout";

let engine: Promise<ELK> | undefined;

async function arrange(root: ElkNode): Promise<ElkNode> {
  engine ??= import("elkjs/lib/elk-api").then(({ default: Engine }) => new Engine({ workerUrl }));
  return (await (await engine).layout(root as Parameters<ELK["layout"]>[0])) as ElkNode;
}

export const layouts = new Layouts(arrange);
