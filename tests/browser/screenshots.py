"""Pictures of every page, light and dark, at three sizes: `python -m tests.browser.screenshots DIR [PAGE...]`.

DIR/project is the project that they show. It is made the first time, which takes some minutes, and kept. `docs` is
not a page: it stands for the pictures of the documentation, which are written where they belong.
"""

from __future__ import annotations

import base64
import datetime
import json
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.conftest import FLAGS, ROOT, Zoo, sign_in
from tests.browser.history import NOW, at, go_on, live

SIZES = ((1440, 900), (1280, 720), (390, 844))
THEMES = ("light", "dark")
DOCS = {
    "home": ("home", "light"),
    "grid": ("pipeline-flights", "light"),
    "failure": ("run-failure", "light"),
    "timeline": ("run-timeline", "dark"),
}
"""Pictures of the documentation: page and theme."""
LATER = datetime.timedelta(minutes=4)
"""How long after the end of the history somebody looks."""
SETTLE_MS = 700
"""For layouts that are computed beside the page, and for what the stream says."""
Now = Callable[[], datetime.datetime]
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
        "run-failure": f"/runs/{newest(zoo, 'flights', state='failed')}?task=join_weather&index=0",
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


def opened(browser: Browser, zoo: Zoo, now: Now, size: tuple[int, int], theme: str, scale: int = 1) -> BrowserContext:
    """A signed-in browser whose clock stands where the server's does."""
    phone = size[0] < 500
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        device_scale_factor=scale,
        color_scheme="dark" if theme == "dark" else "light",
        timezone_id="Europe/Madrid",
        locale="en-GB",
        is_mobile=phone,
        has_touch=phone,
        base_url=zoo.url,
    )
    sign_in(context, zoo)
    context.clock.install(time=now())
    return context


def show(page: Page, address: str) -> None:
    """Until all of it is there."""
    page.goto(address)
    page.locator("main").wait_for()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    page.wait_for_timeout(SETTLE_MS)


def take(browser: Browser, zoo: Zoo, now: Now, folder: Path, wanted: Sequence[str]) -> None:
    """All pages, or those that are wanted, of each theme and size."""
    for theme in THEMES:
        for size in SIZES:
            context = opened(browser, zoo, now, size, theme)
            page = context.new_page()
            for name, address in addresses(zoo).items():
                if not wanted or name in wanted:
                    show(page, address)
                    page.screenshot(path=folder / f"{name}--{theme}--{size[0]}x{size[1]}.png")
            context.close()


def take_docs(browser: Browser, zoo: Zoo, now: Now) -> None:
    """Small files of sharp pictures."""
    for name, (page_name, theme) in DOCS.items():
        context = opened(browser, zoo, now, (1280, 720), theme, scale=2)
        page = context.new_page()
        show(page, addresses(zoo)[page_name])
        shot = context.new_cdp_session(page).send("Page.captureScreenshot", {"format": "webp", "quality": 70})
        (ROOT / f"docs/images/{name}.webp").write_bytes(base64.b64decode(shot["data"]))
        context.close()


def main(folder: Path, wanted: Sequence[str]) -> None:
    """Make what is missing, then the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    root = folder / "project"
    if not root.exists():
        live(root)
    zoo, began_s = at(root, NOW + LATER), time.monotonic()

    def now() -> datetime.datetime:
        return NOW + LATER + datetime.timedelta(seconds=time.monotonic() - began_s)

    try:
        zoo.start()
        go_on(zoo)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            if "docs" in wanted:
                take_docs(browser, zoo, now)
            if wanted != ["docs"]:
                take(browser, zoo, now, folder, wanted)
            browser.close()
    finally:
        zoo.stop(signal.SIGTERM)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
