/** The drawing of graphs, for the pages that show one: its code is the largest there is. */

import { later } from "@/design/later";
import { PageSkeleton } from "@/design/skeleton";

export const GraphView = later(() => import("@/graph/graph-view").then((module) => module.GraphView), <PageSkeleton />);
