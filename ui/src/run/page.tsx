import { PageSkeleton } from "@/design/skeleton";

export function RunPage() {
  return <PageSkeleton />;
}
