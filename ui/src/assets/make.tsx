/** What to type to make an asset, with the slices that are chosen. */

import { useState } from "react";
import type { AssetDetail } from "@/api/types";
import { command } from "@/assets/matrix-model";
import type { Brushed } from "@/assets/matrix";
import { Button } from "@/design/button";
import { Dialog } from "@/design/dialog";
import { Icon } from "@/design/icon";
import css from "./asset.module.css";

export function MakeDialog({ asset, chosen, close }: { asset: AssetDetail; chosen: Brushed | null; close: () => void }) {
  const [copied, setCopied] = useState(false);
  const isCut = asset.partitions !== null;
  const text = command(asset.key, { isCut, from: chosen?.from, until: chosen?.until });
  return (
    <Dialog
      title={`Materialize ${asset.key}`}
      close={close}
      foot={
        <>
          <Button onClick={close}>Close</Button>
          <Button
            kind="primary"
            onClick={() => {
              void navigator.clipboard.writeText(text).then(() => setCopied(true));
            }}
          >
            <Icon name="copy" /> {copied ? "Copied" : "Copy"}
          </Button>
        </>
      }
    >
      <p>Run this in the project:</p>
      <pre className={css.command}>
        <code>{text}</code>
      </pre>
      <p className={css.none}>
        {isCut && !chosen && "It makes the partitions that were never made. Choose some in the matrix to make those. "}
        With <code>+</code> before the key it makes what it is made from too, with <code>+</code> behind it what is made from it.
      </p>
    </Dialog>
  );
}
