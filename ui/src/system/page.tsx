import { PageSkeleton } from "@/design/skeleton";

export function SystemPage() {
  return <PageSkeleton />;
}
