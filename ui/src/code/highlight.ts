/** Code as lines of coloured pieces: a parser without an editor, since nothing is edited here and the CSP forbids injected styles. */

import { highlightCode, tagHighlighter, tags } from "@lezer/highlight";
import { parser as python } from "@lezer/python";

export interface Piece {
  readonly text: string;
  readonly kind: string;
}

const STYLE = tagHighlighter([
  {
    tag: [
      tags.keyword,
      tags.operatorKeyword,
      tags.controlKeyword,
      tags.definitionKeyword,
      tags.moduleKeyword,
      tags.self,
    ],
    class: "keyword",
  },
  { tag: [tags.string, tags.docString, tags.special(tags.string)], class: "string" },
  { tag: [tags.comment, tags.lineComment], class: "comment" },
  { tag: [tags.number, tags.bool, tags.null], class: "number" },
  { tag: [tags.function(tags.definition(tags.variableName)), tags.definition(tags.className)], class: "definition" },
  { tag: [tags.meta], class: "decorator" },
]);

/** Above this a file is shown plain: colours are not worth a pause. */
const LONGEST = 400_000;

/** The lines of `text`; Python is coloured. */
export function highlighted(text: string, path: string): Piece[][] {
  if (!path.endsWith(".py") || text.length > LONGEST) return text.split("\n").map((line) => [{ text: line, kind: "" }]);
  const lines: Piece[][] = [[]];
  highlightCode(
    text,
    python.parse(text),
    STYLE,
    (piece, kind) => lines[lines.length - 1]?.push({ text: piece, kind }),
    () => lines.push([]),
  );
  return lines;
}
