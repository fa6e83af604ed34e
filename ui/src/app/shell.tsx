/** What stands around each page: where one is, where one can go, and whether what is shown is live. */

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useLink, useTopic } from "@/api/live";
import { attentionQuery } from "@/api/queries";
import type { Session } from "@/api/types";
import { Help } from "@/app/help";
import { useKeyboard, useShortcut } from "@/app/keys";
import { Logo } from "@/app/logo";
import { Palette } from "@/app/palette";
import pages from "@/app/pages.json";
import { setTheme, useTheme } from "@/app/theme";
import { Icon, type IconName } from "@/design/icon";
import { Button } from "@/design/button";
import { Dialog } from "@/design/dialog";
import css from "./shell.module.css";

const PLACES: { to: "/" | "/pipelines" | "/runs" | "/day" | "/assets" | "/backfills" | "/syncs" | "/connections" | "/pools" | "/system"; icon: IconName; phone: boolean }[] = [
  { to: "/", icon: "home", phone: true },
  { to: "/pipelines", icon: "pipelines", phone: true },
  { to: "/runs", icon: "runs", phone: true },
  { to: "/day", icon: "day", phone: true },
  { to: "/assets", icon: "assets", phone: false },
  { to: "/backfills", icon: "backfills", phone: false },
  { to: "/syncs", icon: "syncs", phone: false },
  { to: "/connections", icon: "connections", phone: false },
  { to: "/pools", icon: "pools", phone: false },
  { to: "/system", icon: "system", phone: false },
];

const titleOf = (path: string) => pages.find((page) => page.path === path)?.title ?? "";
const keyOf = (path: string) => pages.find((page) => page.path === path)?.key ?? "";

export function Shell({ session, children }: { session: Session | undefined; children: ReactNode }) {
  useTopic("home");
  useKeyboard();
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  useShortcut("Mod+k", "Find a page, pipeline, asset, run or action", () => setPalette(true));
  useShortcut("?", "Show these keys", () => setHelp(true));
  useTitle();
  return (
    <div className={css.shell}>
      <a className={css.skip} href="#main">
        Skip to the page
      </a>
      <header className={css.bar}>
        <Link to="/" className={css.brand} aria-label="Toque: home">
          <Logo />
        </Link>
        <span className={css.project} title={session?.server.instance}>
          {session?.server.project}
        </span>
        <button type="button" className={css.find} onClick={() => setPalette(true)}>
          <Icon name="search" />
          <span>Find anything</span>
          <kbd>{navigator.platform.startsWith("Mac") ? "⌘K" : "Ctrl K"}</kbd>
        </button>
        <LinkLamp />
        <ThemeButton />
        <Button kind="plain" icon aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick={() => setHelp(true)}>
          ?
        </Button>
      </header>
      <Places openHelp={() => setHelp(true)} />
      <main id="main" className={css.main} tabIndex={-1}>
        {children}
      </main>
      {palette && <Palette close={() => setPalette(false)} openHelp={() => setHelp(true)} />}
      {help && <Help close={() => setHelp(false)} />}
    </div>
  );
}

function Places({ openHelp }: { openHelp: () => void }) {
  const attention = useQuery(attentionQuery);
  const count = attention.data?.items.length ?? 0;
  return (
    <nav className={css.side} aria-label="Pages">
      {PLACES.map((place) => (
        <Place key={place.to} {...place} count={place.to === "/" ? count : 0} />
      ))}
      <More openHelp={openHelp} />
    </nav>
  );
}

function Place({ to, icon, phone, count }: (typeof PLACES)[number] & { count: number }) {
  const navigate = useNavigate();
  const key = keyOf(to);
  useShortcut(`g ${key}`, `Go to ${titleOf(to)}`, () => void navigate({ to }));
  return (
    <Link
      to={to}
      className={css.place}
      data-phone={phone}
      activeOptions={{ exact: to === "/", includeSearch: false }}
      title={`g ${key}`}
    >
      <Icon name={icon} />
      <span>{titleOf(to)}</span>
      {count > 0 && (
        <b className={css.count} aria-label={`${count} need a person`}>
          {count > 99 ? "99+" : count}
        </b>
      )}
    </Link>
  );
}

/** On a phone: the pages that the bar has no room for, and the help. */
function More({ openHelp }: { openHelp: () => void }) {
  const [open, setOpen] = useState(false);
  const hidden = PLACES.filter((place) => !place.phone);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const isHere = hidden.some((place) => path.startsWith(place.to));
  return (
    <>
      <button
        type="button"
        className={`${css.place} ${css.more} ${isHere ? "active" : ""}`}
        aria-haspopup="dialog"
        aria-expanded={open}
        onClick={() => setOpen(true)}
      >
        <Icon name="more" />
        <span>More</span>
      </button>
      {open && (
        <Dialog title="More pages" close={() => setOpen(false)}>
          <ul className={css.rest}>
            {hidden.map((place) => (
              <li key={place.to}>
                <Link to={place.to} onClick={() => setOpen(false)}>
                  <Icon name={place.icon} /> {titleOf(place.to)}
                </Link>
              </li>
            ))}
            <li>
              <button
                type="button"
                onClick={() => {
                  setOpen(false);
                  openHelp();
                }}
              >
                <Icon name="more" /> Help and keys
              </button>
            </li>
          </ul>
        </Dialog>
      )}
    </>
  );
}

function LinkLamp() {
  const link = useLink();
  const words = { live: "Live", connecting: "Connecting", lost: "Reconnecting", refused: "Signed out" }[link];
  return (
    <span className={css.lamp} data-link={link} role="status" title="Whether what you see is live">
      <i aria-hidden="true" />
      {words}
    </span>
  );
}

function ThemeButton() {
  const theme = useTheme();
  const next = { system: "light", light: "dark", dark: "system" } as const;
  const words = { system: "as the system", light: "light", dark: "dark" }[theme];
  return (
    <Button kind="plain" icon aria-label={`Colours: ${words}`} title={`Colours: ${words}`} onClick={() => setTheme(next[theme])}>
      <Icon name={theme === "system" ? "contrast" : theme === "light" ? "sun" : "moon"} />
    </Button>
  );
}

/** The title of the tab, and the focus at the page's start, after each move to another page. */
function useTitle(): void {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const first = useRef(true);
  useEffect(() => {
    const [, place, name] = path.split("/");
    const title = titleOf(`/${place ?? ""}`);
    document.title = [name ? decodeURIComponent(name) : title, "Toque"].filter(Boolean).join(" · ");
    if (first.current) first.current = false;
    else document.getElementById("main")?.focus({ preventScroll: true });
  }, [path]);
}
