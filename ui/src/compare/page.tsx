import { PageSkeleton } from "@/design/skeleton";

export function ComparePage() {
  return <PageSkeleton />;
}
