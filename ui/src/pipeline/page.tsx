import { PageSkeleton } from "@/design/skeleton";

export function PipelinePage() {
  return <PageSkeleton />;
}
