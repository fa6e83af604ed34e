"""How soon a page can be used, and what blocks it: Chromium visits addresses and scrolls, whoever made the pages.

**Interactive** is the moment, counted from the begin of the navigation, at which the page shows what it is for (its
`Place.ready` matches something visible in it, nothing says that it is still loading) and the main thread has ended the
last task of more than 50 ms before 200 ms without such a task. A **long task** is one of more than 50 ms, as the
browser itself counts them; shorter ones are not told.
"""

from __future__ import annotations

import json
import shutil
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import BrowserContext, Page, Request, sync_playwright

LONG_MS = 50
QUIET_MS = 200
TIMEOUT_S = 60.0
VIEWPORT = {"width": 1280, "height": 800}
TICKS = 15
"""Of the wheel, in each direction."""
STEP = 240
"""Pixels that a tick of the wheel moves, about two notches of a mouse."""
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

_WATCH = """
(() => {
  const tasks = [];
  window.__tasks = tasks;
  new PerformanceObserver((list) => {
    for (const each of list.getEntries()) tasks.push([each.startTime, each.duration]);
  }).observe({ type: "longtask", buffered: true });
})()
"""
"""Before anything of the page runs."""

_INTERACTIVE = """
([ready, busy, quietMs]) => new Promise((resolve) => {
  const seen = (each) => each.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const shows = () => {
    const main = document.querySelector("main") ?? document.body;
    return main && [...main.querySelectorAll(ready)].some(seen) && ![...main.querySelectorAll(busy)].some(seen);
  };
  let shown = null;
  const look = () => {
    if (shown === null) {
      if (!document.body || !shows()) return requestAnimationFrame(look);
      shown = performance.now();
    }
    const ends = window.__tasks.map(([start, took]) => start + took);
    const from = Math.max(shown, ...ends);
    if (performance.now() - from < quietMs + 60) return void setTimeout(look, 20);
    resolve({ shown, interactive: from, tasks: window.__tasks });
  };
  look();
})
"""
"""60 ms more than the silence: the browser tells of a long task a little after its end."""

_SCROLLERS = """
() => {
  const found = [];
  for (const each of document.querySelectorAll("*")) {
    const style = getComputedStyle(each);
    const moves = (overflow, room) => (overflow === "auto" || overflow === "scroll") && room > 8;
    const down = moves(style.overflowY, each.scrollHeight - each.clientHeight);
    const across = moves(style.overflowX, each.scrollWidth - each.clientWidth);
    const box = each.getBoundingClientRect();
    const width = Math.min(box.right, innerWidth) - Math.max(box.left, 0);
    const height = Math.min(box.bottom, innerHeight) - Math.max(box.top, 0);
    if ((!down && !across) || width < 200 || height < 100) continue;
    const x = Math.max(box.left, 0) + width * 0.6;
    const y = Math.max(box.top, 0) + height * 0.6;
    found.push({ down, across, x, y, area: width * height });
  }
  const drawing = document.querySelector(".react-flow__pane");
  if (drawing) {
    const box = drawing.getBoundingClientRect();
    found.push({ down: true, across: false, x: box.x + box.width / 2, y: box.y + box.height / 2, area: 1e9 });
  }
  return found.sort((a, b) => b.area - a.area)[0] ?? null;
}
"""
"""The largest part of the page that the wheel moves; over a drawing it zooms."""


@dataclass(frozen=True)
class Place:
    """A page to visit."""

    name: str
    path: str
    ready: str
    """A selector, within `main` where there is one, of what the page is for, with its data."""
    busy: str = '[aria-busy="true"]'
    """A selector of what stands there while it loads."""
    script: str = ""
    """Runs in the tab before the page does: choices that the page remembers."""


@dataclass(frozen=True)
class Visit:
    """One visit, in milliseconds."""

    interactive_ms: float
    loading_ms: float
    """The longest task until it was interactive; 0 when none took more than 50 ms."""
    scrolling_ms: float
    """The longest task while it was scrolled; 0 when none took more than 50 ms."""
    scrolled: bool = True
    """Whether there was anything to scroll."""

    @property
    def words(self) -> str:
        """For whoever waits for the benchmark."""
        return (
            f"{self.interactive_ms:.0f} ms, longest task {self.loading_ms:.0f} ms, scrolled {self.scrolling_ms:.0f} ms"
        )


@dataclass(frozen=True)
class PageFigures:
    """Several visits of one page: the median of the times, the worst of the tasks."""

    name: str
    interactive_ms: float
    slowest_ms: float
    loading_ms: float
    scrolling_ms: float
    scrolled: bool


@dataclass
class Asked:
    """What the pages asked their server while they were visited."""

    addresses: dict[str, None] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def take(self, request: Request, is_query: Callable[[str], bool]) -> None:
        """Remember a question, once."""
        if request.method == "GET" and is_query(request.url):
            self.addresses.setdefault(request.url)
            token = request.headers.get("authorization")
            if token:
                self.headers["Authorization"] = token


def figures_of(name: str, visits: Sequence[Visit]) -> PageFigures:
    """What stands in the table."""
    return PageFigures(
        name=name,
        interactive_ms=statistics.median(visit.interactive_ms for visit in visits),
        slowest_ms=max(visit.interactive_ms for visit in visits),
        loading_ms=max(visit.loading_ms for visit in visits),
        scrolling_ms=max(visit.scrolling_ms for visit in visits),
        scrolled=any(visit.scrolled for visit in visits),
    )


@contextmanager
def chromium(url: str) -> Iterator[BrowserContext]:
    """A browser of its own, at the size of a laptop."""
    found = shutil.which("chromium")
    if found is None:
        raise RuntimeError("pages are measured in Debian's Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        try:
            context = browser.new_context(viewport=VIEWPORT, base_url=url)  # type: ignore[arg-type]
            context.add_init_script(_WATCH)
            yield context
        finally:
            browser.close()


def visit(context: BrowserContext, place: Place, asked: Asked, is_query: Callable[[str], bool]) -> Visit:
    """Open an address in a new tab, wait until the page can be used, scroll it."""
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_S * 1000)
    page.on("request", lambda request: asked.take(request, is_query))
    if place.script:
        page.add_init_script(place.script)
    try:
        page.goto(place.path, wait_until="commit")
        found = _until_interactive(page, place)
        loading_ms = longest_ms(found["tasks"], until_ms=found["interactive"])
        scrolled, scrolling_ms = _scrolled(page)
        return Visit(found["interactive"], loading_ms, scrolling_ms, scrolled)
    finally:
        page.close()


def longest_ms(tasks: Iterable[Sequence[float]], *, from_ms: float = 0, until_ms: float = float("inf")) -> float:
    """The longest of the tasks (begin, duration) that overlap this time; 0 without one."""
    overlapping = (took for start, took in tasks if start + took > from_ms and start <= until_ms)
    return max(overlapping, default=0.0)


def _until_interactive(page: Page, place: Place) -> Any:
    # `evaluate` has no time limit of its own.
    question = f"Promise.race([({_INTERACTIVE})({_json(place)}), {_GIVE_UP}])"
    found = page.evaluate(question)
    if found is None:
        said = page.inner_text("body")[:300]
        raise RuntimeError(f"{place.path} did not show {place.ready!r} in {TIMEOUT_S:.0f} s, but: {said!r}")
    return found


_GIVE_UP = f"new Promise((resolve) => setTimeout(() => resolve(null), {TIMEOUT_S * 1000:.0f}))"


def _json(place: Place) -> str:
    return json.dumps([place.ready, place.busy, QUIET_MS])


def _scrolled(page: Page) -> tuple[bool, float]:
    """Down and up, across and back, as far as there is anything to see; the longest task meanwhile."""
    where = page.evaluate(_SCROLLERS)
    if where is None:
        return False, 0.0
    page.mouse.move(where["x"], where["y"])
    begin_ms = page.evaluate("performance.now()")
    for is_there, x, y in ((where["down"], 0, STEP), (where["across"], STEP, 0)):
        if is_there:
            for sign in (1, -1):
                _turn(page, sign * x, sign * y)
    page.wait_for_timeout(150)
    return True, longest_ms(page.evaluate("window.__tasks"), from_ms=begin_ms)


def _turn(page: Page, x: float, y: float) -> None:
    for _ in range(TICKS):
        page.mouse.wheel(x, y)
        page.wait_for_timeout(16)
