import { PageSkeleton } from "@/design/skeleton";

export function DayPage() {
  return <PageSkeleton />;
}
