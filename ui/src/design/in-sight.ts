import { useEffect, useRef } from "react";

/** Brings the open tab of a row of tabs into sight, where a phone has no room for all; the keyboard's place stays where it is. */
export function useInSight<T extends HTMLElement>(open: string) {
  const row = useRef<T>(null);
  useEffect(() => {
    const tabs = row.current;
    const tab = tabs?.querySelector<HTMLElement>("[aria-current]");
    if (!tabs || !tab) return;
    const left = tab.getBoundingClientRect().left - tabs.getBoundingClientRect().left + tabs.scrollLeft;
    tabs.scrollLeft = left - (tabs.clientWidth - tab.offsetWidth) / 2;
  }, [open]);
  return row;
}
