/** Code with its colours, for the pages that show some. */

import { later } from "@/design/later";
import { Skeleton } from "@/design/skeleton";

const soon = <Skeleton rows={10} height={16} />;

export const CodeView = later(() => import("@/code/code-view").then((module) => module.CodeView), soon);
export const DiffView = later(() => import("@/code/code-view").then((module) => module.DiffView), soon);
