"""Every write of the API is offered by some page, and made by some test: this file has those that fit nowhere else."""

from __future__ import annotations

import os
import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ROOT, Zoo
from tests.browser.test_run_page import act
from tests.browser.writes import WRITES, Writes, is_whole

NO_PAGE: dict[str, str] = {}
"""Operations that no page offers, and why."""


def test_files_are_looked_at_again_on_request(page: Page, zoo: Zoo) -> None:
    page.goto("/system")
    page.get_by_role("button", name="Reload files").click()
    expect(page.get_by_text("1 file cannot be loaded")).to_be_visible()


def test_another_browser_is_let_in_once_and_signs_out_of_itself_only(page: Page, browser: Browser, zoo: Zoo) -> None:
    page.goto("/system")
    page.get_by_role("button", name="Open elsewhere").click()
    address = page.get_by_role("dialog", name="Open in another browser").get_by_label("Address").input_value()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)

    elsewhere = browser.new_context(base_url=zoo.url)
    other = elsewhere.new_page()
    other.goto(address)
    expect(other.get_by_role("heading", name="Home")).to_be_visible()
    other.goto("/system")
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    other.goto(address)
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    elsewhere.close()

    page.reload()
    expect(page.get_by_role("heading", name="System")).to_be_visible()


def test_a_backfill_is_ended_before_it_has_started_all(page: Page, zoo: Zoo) -> None:
    os.mkfifo(zoo.root / "gate-of-fireworks")
    page.goto("/pipelines/fireworks/schedules")
    page.get_by_role("button", name="Backfill").click()
    dialog = page.get_by_role("dialog", name="Backfill new-year")
    dialog.get_by_label("From").fill("2020-01-01T00:00")
    dialog.get_by_label("Up to, not including").fill("2026-01-02T00:00")
    dialog.get_by_role("button", name="Show what it would start").click()
    dialog.get_by_role("button", name=re.compile("Start [67] runs")).click()
    row = page.get_by_role("listitem").filter(has=page.get_by_role("link", name="fireworks"))
    expect(row.get_by_text(re.compile("^1 of [67] slices started"))).to_be_visible()
    row.get_by_role("button", name="End it").click()
    expect(page.get_by_role("dialog").get_by_text("cancels those of its runs that have not ended")).to_be_visible()
    act(page, "End the backfill")
    expect(row.get_by_text("cancelled")).to_be_visible()
    page.goto("/runs?pipeline=fireworks")
    expect(page.get_by_role("table").get_by_text("cancelled", exact=True)).to_be_visible()


def test_previews_are_no_writes_and_ids_may_hold_slashes() -> None:
    writes = Writes()
    writes.note("POST", "http://localhost/api/v1/runs/1/cancel", '{"preview": true}')
    writes.note("POST", "http://localhost/api/v1/pipelines/p/backfills", '{"dry_run": true}')
    assert writes.made == set()
    writes.note("POST", "http://localhost/api/v1/schedules/p%2Fmorning/pause?x=1", "")
    assert writes.made == {"POST /api/v1/schedules/{schedule}/pause"}
    writes.note("DELETE", "http://localhost/api/v1/session", "")
    assert writes.made == {"POST /api/v1/schedules/{schedule}/pause", "DELETE /api/v1/session"}


def test_the_judge_is_part_of_the_gate_and_of_nothing_less_than_the_folder(request: pytest.FixtureRequest) -> None:
    assert '\t$(PYTEST) tests/browser -m "not alone"\n' in (ROOT / "Makefile").read_text()
    items = request.session.items
    assert not is_whole(items, [item for item in items if item is not request.node])
    assert not is_whole([request.node], [request.node])


def test_every_write_of_the_api_is_made_by_some_page() -> None:
    """The last of this folder, and only if none of it was left out: `conftest.py` sees to both."""
    assert "PYTEST_XDIST_WORKER" not in os.environ, "what pages write is gathered in one process: run without -n"
    assert set(NO_PAGE) <= set(WRITES.all), "the API has no such operation"
    assert [each for each in WRITES.missing() if each not in NO_PAGE] == []
