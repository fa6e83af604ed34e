/** Says of what is unlike its past whether it was wrong, or is normal: the first teaches nothing, the second is no anomaly. */

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { post, seg } from "@/api/client";
import { asProblem } from "@/api/problem";
import type { AssetCheck } from "@/api/types";
import { useToasts } from "@/app/toasts";
import { measuredBy } from "@/assets/check-words";
import { Button } from "@/design/button";
import css from "./checks.module.css";

const TOLD = ["asset", "assets", "asset-checks", "asset-measures", "asset-events", "asset-partitions", "asset-slice", "attention"];

export function Review({ asset, check }: { asset: string; check: AssetCheck }) {
  const cache = useQueryClient();
  const toasts = useToasts();
  const [busy, setBusy] = useState(false);
  const say = async (wasAnomaly: boolean) => {
    setBusy(true);
    const { at_us: made_us, run_id, partition } = check;
    try {
      await post(`/assets/${seg(asset)}/reviews`, { made_us, run_id, partition, measured: measuredBy(check.check), was_anomaly: wasAnomaly });
      toasts.say(wasAnomaly ? "It teaches nothing from now on" : "What is close to it is normal from now on");
      await Promise.all(TOLD.map((each) => cache.invalidateQueries({ queryKey: [each] })));
    } catch (error) {
      toasts.fail(asProblem(error));
    }
    setBusy(false);
  };
  return (
    <p className={css.replay} role="group" aria-label="Was it an anomaly?">
      <span>{{ "": "Was it an anomaly?", anomaly: "Somebody says that it was wrong.", normal: "Somebody says that it is normal." }[check.reviewed]}</span>
      <Button disabled={busy || check.reviewed === "anomaly"} onClick={() => void say(true)}>
        It was wrong
      </Button>
      <Button disabled={busy || check.reviewed === "normal"} onClick={() => void say(false)}>
        It is normal
      </Button>
    </p>
  );
}
