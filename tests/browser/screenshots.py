"""Pictures of every page, light and dark, at three sizes: `python -m tests.browser.screenshots DIR [PAGE...]`.

DIR/project is the project that they show. It is made the first time, which takes some minutes, and kept.
"""

from __future__ import annotations

import datetime
import json
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.conftest import FLAGS, ROOT, Zoo, sign_in
from tests.browser.history import NOW, at, go_on, live

SIZES = {"1440x900": (1440, 900), "1280x720": (1280, 720), "390x844": (390, 844)}
THEMES = ("light", "dark")
LATER = datetime.timedelta(minutes=4)
"""How long after the end of the history somebody looks."""
SETTLE_MS = 700
"""For layouts that are computed beside the page, and for what the stream says."""
PAGES = json.loads((ROOT / "ui/src/app/pages.json").read_text())


def newest(zoo: Zoo, pipeline: str, **where: str) -> str:
    """The run that a picture shows."""
    query = "".join(f"&{name}={value}" for name, value in where.items())
    return str(zoo.ask(f"/runs?pipeline={pipeline}&limit=1{query}")["items"][0]["run_id"])


def addresses(zoo: Zoo) -> dict[str, str]:
    """What is taken, by the names of the files."""
    flight = newest(zoo, "flights", state="succeeded")
    failed = newest(zoo, "hatching", state="failed")
    heating = [run["run_id"] for run in zoo.ask("/runs?pipeline=heating&limit=2")["items"]]
    found = {
        "compare": f"/compare?a={heating[1]}&b={heating[0]}",
        "pipeline": "/pipelines/hatching",
        "run": f"/runs/{failed}",
        "run-task-error": f"/runs/{failed}?task=open_lid",
        "run-task-logs": f"/runs/{newest(zoo, 'night')}?task=chatter&panel=logs",
        "run-task-values": f"/runs/{newest(zoo, 'night')}?task=report",
        "run-mapped": f"/runs/{newest(zoo, 'feeding')}?task=feed",
        "run-flow": f"/runs/{newest(zoo, 'brood')}",
        "run-live": f"/runs/{newest(zoo, 'parade')}",
        "runs-failed": "/runs?state=failed",
        "pipeline-flights": "/pipelines/flights",
        "pipeline-heating-code": "/pipelines/heating/code",
        "not-found": "/nowhere",
    }
    for page in PAGES:
        path = page["path"]
        views = page.get("views", [])
        of_run = path.startswith("/runs")
        for view in views:
            name = f"{'run' if of_run else 'pipeline'}-{view}"
            found[name] = f"/runs/{flight}/{view}" if of_run else f"/pipelines/feeding/{view}"
        if "$" not in path and path != "/compare":
            found[path.strip("/") or "home"] = path
    return found


def contexts(browser: Browser, zoo: Zoo, now: datetime.datetime) -> Iterator[tuple[str, BrowserContext]]:
    """A signed-in browser of each theme and size, whose clock stands where the server's does."""
    began = time.monotonic()
    for theme in THEMES:
        for size, (width, height) in SIZES.items():
            phone = width < 500
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=theme,
                timezone_id="Europe/Madrid",
                locale="en-GB",
                is_mobile=phone,
                has_touch=phone,
                base_url=zoo.url,
            )
            sign_in(context, zoo)
            context.clock.install(time=now + datetime.timedelta(seconds=time.monotonic() - began))
            yield f"{theme}--{size}", context
            context.close()


def take(page: Page, address: str, file: Path) -> None:
    """As soon as all of it is there."""
    page.goto(address)
    page.locator("main").wait_for()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=file)


def main(folder: Path, wanted: Sequence[str]) -> None:
    """Make what is missing, then the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    root = folder / "project"
    if not root.exists():
        live(root)
    now = NOW + LATER
    zoo = at(root, now)
    try:
        zoo.start()
        go_on(zoo)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            for look, context in contexts(browser, zoo, now):
                page = context.new_page()
                for name, address in addresses(zoo).items():
                    if not wanted or name in wanted:
                        take(page, address, folder / f"{name}--{look}.png")
            browser.close()
    finally:
        zoo.stop(signal.SIGTERM)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
