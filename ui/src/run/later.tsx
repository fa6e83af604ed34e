/** The log of a task run: its code is read with the first log. */

import { later } from "@/design/later";
import { Skeleton } from "@/design/skeleton";

export const LogView = later(() => import("@/run/log-view").then((module) => module.LogView), <Skeleton rows={8} height={18} />);
