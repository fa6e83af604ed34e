/** elk in a worker of its own: the page never waits for its script. */

import type { ELK } from "elkjs/lib/elk-api";
import workerUrl from "elkjs/lib/elk-worker.min.js?url";
import type { ElkNode } from "@/graph/layout";
import { Layouts, Shelf } from "@/graph/layouts";

let engine: Promise<ELK> | undefined;

/** Begins to load the worker: while a graph that will need it is fetched there is time for it. */
export function warm(): Promise<ELK> {
  engine ??= import("elkjs/lib/elk-api").then(({ default: Engine }) => new Engine({ workerUrl }));
  return engine;
}

async function arrange(root: ElkNode): Promise<ElkNode> {
  return (await (await warm()).layout(root as Parameters<ELK["layout"]>[0])) as ElkNode;
}

export const layouts = new Layouts(arrange, 40, new Shelf(window.localStorage));
