/** What a page that broke leaves: what happened, the fix, and a way back. The shell around it goes on. */

import { useQueryErrorResetBoundary } from "@tanstack/react-query";
import { useRouter, type ErrorComponentProps } from "@tanstack/react-router";
import { asProblem } from "@/api/problem";
import { Button } from "@/design/button";
import { ProblemBox } from "@/design/problem-box";

export function ErrorPage({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const boundary = useQueryErrorResetBoundary();
  return (
    <ProblemBox problem={asProblem(error)}>
      <Button
        onClick={() => {
          boundary.reset();
          reset();
          void router.invalidate();
        }}
      >
        Try again
      </Button>
    </ProblemBox>
  );
}
