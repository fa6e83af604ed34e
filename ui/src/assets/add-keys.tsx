/** Add partitions to an asset whose partitions come to be by being added. */

import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { post, seg } from "@/api/client";
import { asProblem, type Problem } from "@/api/problem";
import { useToasts } from "@/app/toasts";
import { Button } from "@/design/button";
import { Dialog } from "@/design/dialog";
import { ProblemBox } from "@/design/problem-box";
import { plural } from "@/design/words";
import fields from "@/pipeline/start.module.css";
import css from "./asset.module.css";

export function AddKeys({ name, close }: { name: string; close: () => void }) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const cache = useQueryClient();
  const toasts = useToasts();
  const keys = text.split("\n").flatMap((line) => line.trim() || []);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    try {
      const now = await post<{ keys: string[] }>(`/partitions/${seg(name)}`, { keys });
      toasts.say(`${name} has ${plural(now.keys.length, "partition")}`);
      for (const each of ["asset", "asset-partitions"]) void cache.invalidateQueries({ queryKey: [each] });
      close();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <Dialog title={`Add to ${name}`} close={close}>
      <form className={css.form} onSubmit={(event) => void submit(event)}>
        <label className={fields.field}>
          <span className={fields.label}>Keys, one a line</span>
          <textarea rows={4} required spellCheck={false} value={text} onChange={(event) => setText(event.target.value)} />
        </label>
        {problem && <ProblemBox problem={problem} />}
        <div className={css.foot}>
          <Button onClick={close}>Leave it</Button>
          <Button kind="primary" type="submit" disabled={keys.length === 0}>
            Add {plural(keys.length, "key")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
