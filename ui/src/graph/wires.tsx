/** The wires of a graph, below its boxes: one drawing that panning only moves, redrawn when a wire looks different. */

import { ViewportPortal } from "@xyflow/react";
import { memo } from "react";
import type { Said, Strand } from "@/graph/routes";
import css from "./graph.module.css";

export const Wires = memo(function Wires({ lines, words }: { lines: readonly Strand[]; words: readonly Said[] }) {
  return (
    <ViewportPortal>
      <svg className={css.wires} aria-hidden="true" data-testid="wires">
        {lines.map((line) => (
          <path key={line.key} d={line.d} data-look={line.look} />
        ))}
        {words.map((said) => (
          <text key={said.id} x={said.x} y={said.y}>
            {said.text}
          </text>
        ))}
      </svg>
    </ViewportPortal>
  );
});
