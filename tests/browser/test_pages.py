"""Every page: it shows what it is for, says nothing in the console, and nothing in it keeps anybody out."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ROOT, Zoo, sign_in

PAGES = json.loads((ROOT / "ui/src/app/pages.json").read_text())
AXE = (ROOT / "ui/node_modules/axe-core/axe.min.js").read_text()
FIRST_PAGE_BYTES = 350_000

Visit = Callable[[Page, "Seen"], None]


class Seen:
    """Runs that were made for the pages to show."""

    def __init__(self, zoo: Zoo) -> None:
        self.zoo = zoo
        self.fed = zoo.run("feeding", count=30)
        self.fed_again = zoo.run("feeding", count=12)
        self.failed = zoo.run("checkup")
        self.live = zoo.run("parade", gate=str(zoo.gate))
        self.weighed = zoo.run("weighing")
        for name in ("helpings", "rounds", "walk"):
            zoo.run(name)


@pytest.fixture(scope="module")
def seen(zoo: Zoo) -> Seen:
    return Seen(zoo)


def home(page: Page, seen: Seen) -> None:
    page.goto("/")
    expect(page.get_by_role("link", name="checkup failed")).to_be_visible()
    expect(page.get_by_role("link", name="escaped.py:3 cannot be loaded")).to_be_visible()


def pipelines(page: Page, seen: Seen) -> None:
    page.goto("/pipelines?tag=food")
    expect(page.get_by_role("link", name="feeding", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="walk", exact=True)).to_have_count(0)


def runs(page: Page, seen: Seen) -> None:
    page.goto("/runs?state=failed")
    expect(page.get_by_role("link", name=re.compile("checkup"))).to_be_visible()
    expect(page.get_by_role("table").get_by_text("succeeded")).to_have_count(0)


def day(page: Page, seen: Seen) -> None:
    page.goto("/day")
    expect(page.get_by_role("region", name="Timeline").get_by_role("link", name="feeding", exact=True)).to_be_visible()


def backfills(page: Page, seen: Seen) -> None:
    page.goto("/backfills")
    known = len(seen.zoo.ask("/backfills")["items"])  # of the tests that ran before
    expect(page.get_by_role("main").get_by_role("listitem")).to_have_count(known)
    expect(page.get_by_text("No backfill yet")).to_have_count(0 if known else 1)


def assets(page: Page, seen: Seen) -> None:
    page.goto("/assets?group=larder")
    expect(page.get_by_role("link", name="stock", exact=True)).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("portions")).get_by_text("never made")).to_be_visible()
    expect(page.get_by_role("link", name="menu", exact=True)).to_have_count(0)


def asset(page: Page, seen: Seen) -> None:
    page.goto("/assets/portions?partition=birds")
    expect(page.get_by_role("heading", name="portions", level=1)).to_be_visible()
    expect(page.get_by_role("region", name="Partition birds").get_by_text("never made").first).to_be_visible()


def syncs(page: Page, seen: Seen) -> None:
    page.goto("/syncs")
    expect(page.get_by_role("link", name="post", exact=True)).to_be_visible()


def sync(page: Page, seen: Seen) -> None:
    page.goto("/syncs/post")
    expect(page.get_by_role("heading", name="post", level=1)).to_be_visible()
    expect(page.get_by_text("upsert from barn.letters")).to_be_visible()


def connections(page: Page, seen: Seen) -> None:
    page.goto("/connections")
    expect(page.get_by_role("heading", name="gatehouse")).to_be_visible()
    expect(page.get_by_text("secret, not there")).to_be_visible()


def pools(page: Page, seen: Seen) -> None:
    page.goto("/pools")
    expect(page.get_by_role("heading", name="cages")).to_be_visible()


def system(page: Page, seen: Seen) -> None:
    page.goto("/system")
    expect(page.get_by_text("No module named 'zoo_that_is_not_there'")).to_be_visible()
    expect(page.get_by_text("this one")).to_be_visible()


def compare(page: Page, seen: Seen) -> None:
    page.goto(f"/compare?a={seen.fed}&b={seen.fed_again}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("count", exact=True).first).to_be_visible()


def pipeline(page: Page, seen: Seen) -> None:
    page.goto("/pipelines/feeding")
    expect(page.get_by_role("heading", name="feeding")).to_be_visible()


def run(page: Page, seen: Seen) -> None:
    page.goto(f"/runs/{seen.failed}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("lynx is not in its cage").first).to_be_visible()


def pipeline_view(view: str) -> Visit:
    def visit(page: Page, seen: Seen) -> None:
        page.goto(f"/pipelines/feeding/{view}")
        expect(page.get_by_role("heading", name="feeding")).to_be_visible()

    return visit


def run_view(view: str) -> Visit:
    def visit(page: Page, seen: Seen) -> None:
        page.goto(f"/runs/{seen.fed}/{view}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()

    return visit


VISITS: dict[str, Visit] = {
    "/": home,
    "/pipelines": pipelines,
    "/pipelines/$name": pipeline,
    "/runs": runs,
    "/runs/$runId": run,
    "/compare": compare,
    "/day": day,
    "/backfills": backfills,
    "/assets": assets,
    "/assets/$key": asset,
    "/syncs": syncs,
    "/syncs/$key": sync,
    "/connections": connections,
    "/pools": pools,
    "/system": system,
}
for each in PAGES:
    for view in each.get("views", ()):
        of_run = each["path"].startswith("/runs")
        VISITS[f"{each['path']}={view}"] = run_view(view) if of_run else pipeline_view(view)


def test_every_page_of_the_router_is_visited() -> None:
    known = set()
    for each in PAGES:
        known |= {f"{each['path']}={view}" for view in each["views"]} if "views" in each else {each["path"]}
    assert known == set(VISITS)


@pytest.mark.parametrize("path", VISITS)
def test_a_page_shows_what_it_is_for_and_keeps_nobody_out(path: str, page: Page, seen: Seen) -> None:
    VISITS[path](page, seen)
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    assert serious(page) == []


@pytest.mark.parametrize(
    "path",
    ["/", "/pipelines", "/runs", "/day", "/assets", "/assets/$key", "/pools", "/system", "/runs/$runId"],
)
def test_pages_keep_nobody_out_in_the_dark_on_a_phone_either(path: str, browser: Browser, zoo: Zoo, seen: Seen) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme="dark", has_touch=True, is_mobile=True, base_url=zoo.url
    )
    sign_in(context, zoo)
    page = context.new_page()
    VISITS[path](page, seen)
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing sticks out at the side"
    context.close()


def test_the_first_page_is_small(page: Page, zoo: Zoo) -> None:
    scripts: dict[str, int] = {}

    def weigh(response: Any) -> None:
        if response.url.endswith(".js"):
            scripts[response.url] = len(gzip.compress(response.body()))

    page.on("response", weigh)
    page.goto("/")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    assert 0 < sum(scripts.values()) < FIRST_PAGE_BYTES


def serious(page: Page) -> list[str]:
    """What axe-core finds that keeps people out: rule, and the first places."""
    # Through the debugger: the pages' own CSP lets no script in.
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']}: {[node['target'] for node in rule['nodes'][:3]]} {rule['nodes'][0]['failureSummary']}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    ]
