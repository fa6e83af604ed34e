import { PageSkeleton } from "@/design/skeleton";

export function BackfillsPage() {
  return <PageSkeleton />;
}
