"""Checks and syncs as a person walks them: from a ticket to the row that fails, from a dry run to the records."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Zoo


def ended(zoo: Zoo, pipeline: str) -> str:
    """A run that has succeeded."""
    run_id = zoo.run(pipeline)
    while zoo.ask(f"/runs/{run_id}")["state"] != "succeeded":
        pass  # each turn is a request
    return run_id


@pytest.fixture(scope="module")
def joined(zoo: Zoo) -> str:
    return ended(zoo, "joining")


@pytest.fixture(scope="module")
def posted(zoo: Zoo) -> str:
    return ended(zoo, "posting")


def test_a_ticket_leads_to_the_check_and_its_failing_rows(page: Page, joined: str) -> None:
    page.goto("/")
    page.get_by_role("link", name="patrons fails not_null(email)").click()
    expect(page).to_have_url(re.compile("/assets/patrons"))
    check = page.get_by_role("button", name=re.compile(r"^not_null\(email\)"))
    expect(check).to_have_attribute("aria-expanded", "true")
    expect(check.get_by_text("1 of 3 rows (33 %)")).to_be_visible()
    rows = page.get_by_role("region", name="Rows that fail not_null(email)")
    expect(rows.get_by_role("columnheader", name="email")).to_be_visible()
    check.click()
    expect(rows).to_have_count(0)
    warned = page.get_by_role("button", name=re.compile("fails, and warns"))
    warned.click()
    expect(page).to_have_url(re.compile("check=row_count"))
    expect(page.get_by_role("link", name=re.compile("joining")).first).to_have_attribute("href", re.compile(joined))


def test_checks_that_hold_are_told_from_those_that_fail(page: Page, joined: str) -> None:
    page.goto("/assets/patrons")
    expect(page.get_by_text("2 of 3 failing")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^some holds"))).to_be_visible()
    page.goto("/assets?show=failing")
    expect(page.get_by_role("link", name="patrons", exact=True)).to_be_visible()


def test_the_records_of_a_sync_are_searched_and_taken_away(page: Page, posted: str) -> None:
    page.goto("/")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Syncs").click()
    page.get_by_role("link", name="post", exact=True).click()
    expect(page.get_by_text("3 sent: 2 created, 1 rejected")).to_be_visible()
    expect(page.get_by_text("1 record did not arrive")).to_be_visible()
    records = page.get_by_role("region", name="Records of the run")
    expect(records.get_by_role("row")).to_have_count(4)
    page.get_by_label("Status").select_option("rejected")
    expect(records.get_by_role("row")).to_have_count(2)
    expect(records.get_by_text("no address")).to_be_visible()
    page.get_by_role("searchbox", name="Search records").fill("nowhere")
    expect(page.get_by_text("No record fits.")).to_be_visible()
    page.get_by_role("searchbox", name="Search records").fill("address")
    expect(records.get_by_role("row")).to_have_count(2)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download").click()
    assert saved.value.suggested_filename.endswith(".csv")
    lines = saved.value.path().read_text().splitlines()
    assert lines[0].startswith("status,operation,key,reason")
    assert [line.split(",")[0] for line in lines[1:]] == ["rejected"]


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(page: Page, posted: str) -> None:
    page.goto("/syncs/post")
    expect(page.get_by_text("3 sent")).to_be_visible()
    page.get_by_role("button", name="Dry run").click()
    dry = page.get_by_role("region", name="Dry run")
    # What was rejected is sent again by each run until it is accepted.
    expect(dry.get_by_text("It would upsert 1 record.")).to_be_visible()
    expect(dry.get_by_role("region", name="Records to upsert").get_by_text("***").first).to_be_visible()
    expect(page).to_have_url(re.compile("preview="))
    page.reload()
    expect(dry.get_by_text("It would upsert 1 record.")).to_be_visible()
    dry.get_by_role("button", name="Close").click()
    expect(dry).to_have_count(0)
    expect(page.get_by_role("region", name="Runs of the sync").get_by_role("row")).to_have_count(2)


def test_a_page_of_data_moves_while_it_is_watched(page: Page, zoo: Zoo, joined: str) -> None:
    page.goto("/assets/patrons?kind=materialized")
    history = page.get_by_role("listitem").filter(has_text="made")
    first = history.get_by_role("link", name=re.compile("joining"))
    expect(first.first).to_be_visible()
    before = first.count()
    ended(zoo, "joining")
    expect(first).to_have_count(before + 1)
    strip = page.get_by_role("img", name=re.compile(rf"of the last {before + 1} failed"))
    expect(strip.first).to_be_visible()


def test_the_list_of_syncs_moves_while_it_is_watched(page: Page, zoo: Zoo, posted: str) -> None:
    page.goto("/syncs")
    expect(page.get_by_role("img", name="1 run, 1 with rejects")).to_be_visible()
    ended(zoo, "posting")
    expect(page.get_by_role("img", name=re.compile("^2 runs, "))).to_be_visible()


def test_an_asset_is_found_in_the_palette(page: Page, zoo: Zoo) -> None:
    page.goto("/")
    page.get_by_role("button", name="Find anything").click()
    page.get_by_role("combobox").fill("patrons")
    page.get_by_role("option", name=re.compile("^Asset patrons")).click()
    expect(page.get_by_role("heading", name="patrons", level=1)).to_be_visible()
