import { PageSkeleton } from "@/design/skeleton";

export function PoolsPage() {
  return <PageSkeleton />;
}
