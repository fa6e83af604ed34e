"""Making assets in the browser: brushed slices become a backfill, what failed of it is retried alone."""

from __future__ import annotations

import os
import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Zoo
from tests.browser.test_run_page import act

PITCH = 15
"""Of a cell of the matrix, in pixels."""


def brush(page: Page, first: int, last: int) -> None:
    """Drag from one cell to another."""
    place = page.locator("canvas").first.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + first * PITCH + 5, place["y"] + 5)
    page.mouse.down()
    page.mouse.move(place["x"] + last * PITCH + 5, place["y"] + 5, steps=4)
    page.mouse.up()


def test_brushed_slices_are_made_and_what_failed_is_retried_alone(page: Page, zoo: Zoo) -> None:
    page.goto("/assets/cooked")
    expect(page.get_by_text("6 missing")).to_be_visible()
    brush(page, 4, 1)
    expect(page).to_have_url(re.compile("partition=elevenses&until=dinner"))
    make = page.get_by_role("button", name=re.compile("Make elevenses"))
    expect(make).to_be_visible()
    make.click()
    dialog = page.get_by_role("dialog", name="Materialize cooked")
    expect(dialog.get_by_text("toque materialize cooked --partitions elevenses..dinner")).to_be_visible()
    dialog.get_by_label("Make").select_option("this one and all that is made from it")
    dialog.get_by_role("button", name="Show what it would make").click()
    expect(dialog.get_by_text("It would start 4 runs.")).to_be_visible()
    expect(dialog.get_by_role("listitem").first).to_have_text("cooked, served elevenses")
    dialog.get_by_role("button", name="Start 4 runs").click()

    row = page.get_by_role("listitem").filter(has=page.get_by_role("link", name="cooked+"))
    expect(row.get_by_text("4 of 4 slices started")).to_be_visible()
    expect(row.get_by_role("row", name="tea")).to_contain_text("there is no kettle")
    stage = row.get_by_role("region", name="served")
    expect(stage.get_by_text("3 made")).to_be_visible()
    expect(stage.get_by_text("1 failed")).to_be_visible()

    (zoo.root / "kettle").write_text("")
    row.get_by_role("button", name="Retry failed").click()
    expect(page.get_by_role("dialog").get_by_text("It starts 1 slice again")).to_be_visible()
    act(page, "Make again what failed")
    expect(stage.get_by_text("4 made")).to_be_visible()
    expect(row.get_by_role("button", name="Retry failed")).to_have_count(0)
    [backfill] = [each for each in zoo.ask("/backfills")["items"] if each["selection"] == "cooked+"]
    runs = zoo.ask(f"/runs?backfill={backfill['id']}&limit=50")["items"]
    assert len(runs) == 4 + 1
    page.goto(f"/runs/{runs[0]['run_id']}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("cooked, served · tea")


def test_a_backfill_of_assets_is_paused_goes_on_and_is_ended(page: Page, zoo: Zoo) -> None:
    os.mkfifo(zoo.root / "gate-of-courses")
    page.goto("/assets/course")
    page.get_by_role("button", name="Materialize…").click()
    dialog = page.get_by_role("dialog", name="Materialize course")
    dialog.get_by_label("Runs at a time").fill("1")
    dialog.get_by_role("button", name="Show what it would make").click()
    dialog.get_by_role("button", name="Start 3 runs").click()
    row = page.get_by_role("listitem").filter(has=page.get_by_role("link", name="course"))
    expect(row.get_by_text("1 of 3 slices started")).to_be_visible()
    row.get_by_role("button", name="Pause").click()
    act(page, "Pause the backfill")
    expect(row.get_by_text("paused", exact=True)).to_be_visible()
    row.get_by_role("button", name="Go on").click()
    act(page, "Go on with the backfill")
    expect(row.get_by_role("button", name="Pause")).to_be_visible()
    row.get_by_role("button", name="End it").click()
    act(page, "End the backfill")
    expect(row.get_by_text("3 cancelled")).to_be_visible()


def test_partitions_are_added_by_hand(page: Page, zoo: Zoo) -> None:
    page.goto("/assets/seat")
    expect(page.get_by_text("each of guests")).to_be_visible()
    page.get_by_role("button", name="Add partitions…").click()
    dialog = page.get_by_role("dialog", name="Add to guests")
    dialog.get_by_label("Keys, one a line").fill("ann\nbob\n")
    dialog.get_by_role("button", name="Add 2 keys").click()
    expect(page.get_by_text("2 missing")).to_be_visible()
    expect(page.get_by_role("group", name="Partitions, 2")).to_be_visible()
