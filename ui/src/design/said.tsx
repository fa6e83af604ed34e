/** Sentences of the server as a page shows them: what stands in backticks as code, instants in the viewer's zone. */

import type { ReactNode } from "react";
import { moment } from "@/design/words";

const INSTANT = /\b(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC\b/g;

export function said(text: string): ReactNode {
  return local(text)
    .split(/`([^`]+)`/)
    .map((part, at) => (at % 2 ? <code key={at}>{part}</code> : part));
}

/** The same with its instants told as the rest of the page tells them. */
export function local(text: string, zone?: string, locale?: string): string {
  return text.replace(INSTANT, (_, date: string, time: string) => moment(Date.parse(`${date}T${time}Z`) * 1_000, zone, locale));
}
