/** More actions behind one button, on the browser's own <details>. */

import { useEffect, useRef } from "react";
import { Icon } from "@/design/icon";
import css from "./menu.module.css";

export interface MenuItem {
  text: string;
  danger?: boolean;
  run: () => void;
}

export function Menu({ label, items }: { label: string; items: readonly MenuItem[] }) {
  const box = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const away = (event: MouseEvent | KeyboardEvent) => {
      const details = box.current;
      if (!details?.open) return;
      if (event instanceof KeyboardEvent) {
        if (event.key !== "Escape") return;
        event.preventDefault();
        details.querySelector("summary")?.focus();
      } else if (details.contains(event.target as Node)) return;
      details.open = false;
    };
    document.addEventListener("mousedown", away);
    document.addEventListener("keydown", away, true);
    return () => {
      document.removeEventListener("mousedown", away);
      document.removeEventListener("keydown", away, true);
    };
  }, []);
  return (
    <details ref={box} className={css.menu}>
      <summary aria-label={label} title={label}>
        <Icon name="more" />
      </summary>
      <div className={css.items}>
        {items.map((item) => (
          <button
            key={item.text}
            type="button"
            data-danger={item.danger}
            onClick={() => {
              if (box.current) box.current.open = false;
              item.run();
            }}
          >
            {item.text}
          </button>
        ))}
      </div>
    </details>
  );
}
