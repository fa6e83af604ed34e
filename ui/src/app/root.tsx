/** Who is not signed in sees only how to sign in; who is gets the shell around the page. */

import { useQuery } from "@tanstack/react-query";
import { Outlet } from "@tanstack/react-router";
import { LiveProvider } from "@/api/live";
import { asProblem } from "@/api/problem";
import { sessionQuery } from "@/api/queries";
import { Shell } from "@/app/shell";
import { SignIn, useKeyInAddress } from "@/app/sign-in";
import { PageSkeleton } from "@/design/skeleton";

export function Root() {
  const key = useKeyInAddress();
  const session = useQuery({ ...sessionQuery, enabled: key === "done" });
  if (key === "pending" || session.isPending) return <PageSkeleton />;
  if (session.isError && !session.data) return <SignIn problem={asProblem(session.error)} retry={() => void session.refetch()} />;
  return (
    <LiveProvider>
      <Shell session={session.data}>
        <Outlet />
      </Shell>
    </LiveProvider>
  );
}
