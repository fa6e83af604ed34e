/** What is done at System: have the files looked at again, open the pages in another browser, sign out of this one. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { post, remove } from "@/api/client";
import { asProblem } from "@/api/problem";
import { filesQuery } from "@/api/queries";
import type { BrokenFile, Page } from "@/api/types";
import { useToasts } from "@/app/toasts";
import { Button } from "@/design/button";
import { Dialog } from "@/design/dialog";
import { plural } from "@/design/words";
import css from "./actions.module.css";

export function Actions() {
  const cache = useQueryClient();
  const toasts = useToasts();
  const [key, setKey] = useState("");
  const onError = (error: unknown) => toasts.fail(asProblem(error));
  const look = useMutation({
    mutationFn: () => post<Page<BrokenFile>>("/files/reload"),
    onSuccess: (files) => {
      cache.setQueryData(filesQuery.queryKey, files);
      void cache.invalidateQueries({ queryKey: ["pipelines"] });
      toasts.say(files.items.length ? `${plural(files.items.length, "file")} cannot be loaded` : "All files load");
    },
    onError,
  });
  const open = useMutation({
    mutationFn: () => post<{ key: string }>("/session/keys"),
    onSuccess: (made) => setKey(made.key),
    onError,
  });
  const leave = useMutation({
    mutationFn: () => remove("/session"),
    // Read anew: nothing of what was shown stays in memory.
    onSuccess: () => window.location.assign("/"),
    onError,
  });
  return (
    <>
      <Button onClick={() => look.mutate()} disabled={look.isPending}>
        Reload files
      </Button>
      <Button onClick={() => open.mutate()} disabled={open.isPending}>
        Open elsewhere
      </Button>
      <Button onClick={() => leave.mutate()} disabled={leave.isPending}>
        Sign out
      </Button>
      {key && <Elsewhere url={`${window.location.origin}/sign-in?key=${encodeURIComponent(key)}`} close={() => setKey("")} />}
    </>
  );
}

function Elsewhere({ url, close }: { url: string; close: () => void }) {
  return (
    <Dialog title="Open in another browser" close={close} foot={<Button onClick={close}>Close</Button>}>
      <p>This address signs in one browser, once, within ten minutes:</p>
      <input className={css.url} readOnly autoFocus aria-label="Address" value={url} onFocus={(event) => event.target.select()} />
    </Dialog>
  );
}
