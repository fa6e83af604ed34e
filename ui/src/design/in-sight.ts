import { useEffect, useRef } from "react";

/** Brings the open tab of a row of tabs into sight, where a phone has no room for all. */
export function useInSight<T extends HTMLElement>(open: string) {
  const tabs = useRef<T>(null);
  useEffect(() => {
    tabs.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [open]);
  return tabs;
}
