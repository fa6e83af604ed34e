/** A name of parts joined by dots, which breaks after a dot before it breaks anywhere else. */

import { Fragment } from "react";

export function Dotted({ name }: { name: string }) {
  return name.split(/(?<=\.)/).map((part, at) => (
    <Fragment key={at}>
      {at > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}
