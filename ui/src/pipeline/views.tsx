/** The views of a pipeline, each with code of its own. */

import { later } from "@/design/later";
import { PageSkeleton } from "@/design/skeleton";

const soon = <PageSkeleton />;

export const CalendarView = later(() => import("@/pipeline/calendar-view").then((module) => module.CalendarView), soon);
export const DurationsView = later(() => import("@/pipeline/durations-view").then((module) => module.DurationsView), soon);
export const SchedulesView = later(() => import("@/pipeline/schedules-view").then((module) => module.SchedulesView), soon);
export const StartView = later(() => import("@/pipeline/start-view").then((module) => module.StartView), soon);
export const CodeTab = later(() => import("@/pipeline/code-tab").then((module) => module.CodeTab), soon);
export const DocsView = later(() => import("@/pipeline/docs-view").then((module) => module.DocsView), soon);
