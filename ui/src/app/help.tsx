import { useShortcuts } from "@/app/keys";
import { Button } from "@/design/button";
import { Dialog } from "@/design/dialog";
import css from "./help.module.css";

export function Help({ close }: { close: () => void }) {
  const shortcuts = useShortcuts();
  return (
    <Dialog title="Keys" close={close} foot={<Button onClick={close}>Close</Button>}>
      <dl className={css.keys}>
        {shortcuts.map((shortcut) => (
          <div key={shortcut.keys + shortcut.words}>
            <dt>
              {shortcut.keys.split(" ").map((key) => (
                <kbd key={key}>{key.startsWith("Mod+") ? `${navigator.platform.startsWith("Mac") ? "⌘" : "Ctrl "}${key.slice(4).toUpperCase()}` : key}</kbd>
              ))}
            </dt>
            <dd>{shortcut.words}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
