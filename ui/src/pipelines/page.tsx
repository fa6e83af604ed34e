import { PageSkeleton } from "@/design/skeleton";

export function PipelinesPage() {
  return <PageSkeleton />;
}
