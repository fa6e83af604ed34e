"""Assets as a person walks them: from the list over the lineage to a slice, its run, and the line to type."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Zoo
from tests.browser.test_run_page import act


@pytest.fixture(scope="module")
def weighed(zoo: Zoo) -> str:
    """A run that made `stock`."""
    run_id = zoo.run("weighing")
    while zoo.ask(f"/runs/{run_id}")["state"] != "succeeded":
        pass  # each turn is a request
    return run_id


def test_the_list_finds_an_asset_and_opens_it(page: Page, weighed: str) -> None:
    page.goto("/")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Assets").click()
    views = page.get_by_role("navigation", name="Views of the assets")
    expect(views.locator("[aria-current=page]")).to_have_text("List")
    page.get_by_role("searchbox", name="Search assets").fill("weighed")
    expect(page).to_have_url(re.compile("search=weighed"))
    expect(page.get_by_role("link", name="portions", exact=True)).to_have_count(0)
    row = page.get_by_role("row", name=re.compile("stock"))
    expect(row.get_by_text("fresh")).to_be_visible()
    row.get_by_role("link", name="stock", exact=True).click()
    expect(page.get_by_role("heading", name="stock", level=1)).to_be_visible()
    expect(page.get_by_text("What lies in the larder")).to_be_visible()
    expect(page.get_by_text(re.compile(r"larder\.py:\d+"))).to_be_visible()


def test_an_asset_leads_to_the_run_that_made_it_and_to_who_reads_it(page: Page, weighed: str) -> None:
    page.goto("/assets/stock")
    history = page.get_by_role("list").filter(has_text="made").last
    expect(history.get_by_role("link", name=re.compile("weighing")).first).to_have_attribute(
        "href", re.compile(f"/runs/{weighed}")
    )
    page.get_by_role("link", name="portions", exact=True).click()
    expect(page.get_by_role("heading", name="portions", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="stock", exact=True).first).to_be_visible()


def test_slices_are_reached_by_keyboard_and_stand_in_the_address(page: Page, weighed: str) -> None:
    page.goto("/assets/portions")
    matrix = page.get_by_role("group", name="Partitions, 3")
    matrix.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("birds missing")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("partition=birds"))
    expect(page.get_by_role("region", name="Partition birds")).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+Enter")
    expect(page).to_have_url(re.compile("partition=birds&until=cats"))


def test_an_external_asset_offers_nothing_to_make(page: Page, weighed: str) -> None:
    page.goto("/assets/crm.visitors")
    expect(page.get_by_text("Something else: Toque only knows of it.")).to_be_visible()
    expect(page.get_by_role("link", name="front desk")).to_be_visible()
    expect(page.get_by_role("link", name="menu", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Materialize…")).to_have_count(0)


def test_the_lineage_draws_every_asset_and_leads_to_it(page: Page, weighed: str) -> None:
    page.goto("/assets?view=lineage&focus=portions")
    views = page.get_by_role("navigation", name="Views of the assets")
    expect(views.locator("[aria-current=page]")).to_have_text("Lineage")
    graph = page.get_by_test_id("graph")
    for name in ("stock", "portions", "menu"):
        expect(graph.get_by_text(name, exact=True)).to_be_visible()
    graph.get_by_role("group", name=re.compile("^menu, never made")).click()
    expect(page.get_by_role("heading", name="menu", level=1)).to_be_visible()


@pytest.fixture(scope="module")
def deserted(zoo: Zoo) -> str:
    """A run that counted no visitors, where there always were some."""
    for heads in (100, 101, 99, 100, 102, 100, 99, 0):
        run_id = zoo.run("counting", heads=heads)
        while zoo.ask(f"/runs/{run_id}")["state"] != "succeeded":
            pass  # each turn is a request
    return run_id


def test_data_that_is_too_old_is_on_the_home_page_in_the_list_and_at_the_asset(page: Page, deserted: str) -> None:
    page.goto("/")
    ticket = page.get_by_role("listitem").filter(has_text="gate.tickets is overdue")
    expect(ticket.get_by_text("not older than 1d2h")).to_be_visible()
    page.goto("/assets?show=overdue")
    expect(page.get_by_role("row", name=re.compile("gate.visits"))).to_have_count(0)
    page.get_by_role("link", name="gate.tickets", exact=True).click()
    expect(page.get_by_text(re.compile("^overdue since .*2020"))).to_be_visible()
    expect(page.get_by_role("list").get_by_text("overdue", exact=True)).to_be_visible()  # the server has said so


def test_what_is_unlike_its_past_is_wrong_or_normal(page: Page, deserted: str) -> None:
    page.goto(f"/runs/{deserted}?task=count")
    page.get_by_role("link", name="gate.visits as_usual(rows)").click()
    expect(page.get_by_text(re.compile("0 rows, there always were some; expected")).first).to_be_visible()
    verdict = page.get_by_role("group", name="Was it an anomaly?")
    verdict.get_by_role("button", name="It was wrong").click()
    expect(verdict.get_by_text("Somebody says that it was wrong.")).to_be_visible()
    expect(page.get_by_text("fails, and warns")).to_be_visible()
    verdict.get_by_role("button", name="It is normal").click()
    expect(page.get_by_text("called normal").first).to_be_visible()
    expect(page.get_by_text(re.compile("says that it is normal")).first).to_be_visible()


def test_an_asset_that_is_made_by_itself_says_why_and_is_paused(page: Page, zoo: Zoo) -> None:
    page.goto("/assets/catch")
    expect(page.get_by_text("once something that it is made from was made")).to_be_visible()
    expect(page.get_by_text("Nothing was decided yet.")).to_be_visible()
    zoo.ask("/backfills", {"selection": "bait"})
    decision = page.get_by_role("list", name="Decisions").get_by_role("listitem")
    expect(decision).to_contain_text("asked for")
    expect(decision).to_contain_text("bait was made")

    page.get_by_role("button", name="Pause").click()
    act(page, "Pause the automation")
    expect(page.get_by_text(re.compile("^paused by"))).to_be_visible()
    zoo.ask("/backfills", {"selection": "bait"})
    expect(page.get_by_role("status").filter(has_text="paused by")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    act(page, "Resume the automation")
    expect(decision).to_have_count(3)
    expect(decision.first).to_contain_text("bait was made")
    decision.last.get_by_role("link").click()
    expect(page).to_have_url(re.compile("/(runs/|backfills.*id=)"))
