import { PageSkeleton } from "@/design/skeleton";

export function HomePage() {
  return <PageSkeleton />;
}
