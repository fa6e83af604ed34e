import { PageSkeleton } from "@/design/skeleton";

export function RunsPage() {
  return <PageSkeleton />;
}
