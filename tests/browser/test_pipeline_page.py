"""The page of a pipeline: grid, graph, clock, code; runs are started, schedules paused, ranges filled."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Zoo
from tests.browser.test_run_page import act, ended

MOLTING = '''"""Sheds its skin."""

from toque import pipeline, task


@task
def shed(name: str) -> str:
    """The old skin."""
    return name{end}


@pipeline
def molting(name: str = "python"):
    """How a snake grows."""
    shed(name)
'''


def test_the_grid_is_walked_to_a_failure_by_keyboard(page: Page, zoo: Zoo) -> None:
    run_id = ended(zoo, "hatching")
    page.goto("/pipelines/hatching")
    grid = page.get_by_role("grid", name="Runs and tasks")
    grid.focus()
    page.keyboard.press("f")
    expect(page.locator("#grid-cell")).to_contain_text("open_lid: failed")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#grid-cell")).to_contain_text("count_eggs: upstream failed")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/runs/{run_id}.*task=count_eggs"))


def test_a_run_enters_the_open_grid(page: Page, zoo: Zoo) -> None:
    ended(zoo, "rounds")
    page.goto("/pipelines/rounds")
    grid = page.get_by_role("grid", name="Runs and tasks")
    before = int(grid.get_attribute("aria-colcount") or 0)
    ended(zoo, "rounds")
    expect(grid).to_have_attribute("aria-colcount", str(before + 1))
    grid.focus()
    page.keyboard.press("End")
    # It may have ended before the page heard of it: its cells are told all the same.
    expect(page.locator("#grid-cell")).to_contain_text(re.compile("round_of: succeeded, run of .* succeeded"))


def test_groups_of_the_grid_are_folded(page: Page, zoo: Zoo) -> None:
    ended(zoo, "rounds")
    page.goto("/pipelines/rounds")
    expect(page.get_by_text("sweep", exact=True)).to_be_visible()
    page.get_by_role("button", name=re.compile("round_of")).click()
    expect(page.get_by_text("sweep", exact=True)).to_have_count(0)


def test_a_run_is_started_from_the_form(page: Page, zoo: Zoo) -> None:
    page.goto("/pipelines/feeding/start")
    count = page.get_by_label(re.compile("count", re.IGNORECASE))
    expect(count).to_have_value("12")
    count.fill("many")
    expect(page.get_by_text("Needs a whole number")).to_be_visible()
    count.fill("4")
    page.get_by_label("Why?").fill("they are hungry")
    page.get_by_role("button", name="Start a run").click()
    expect(page).to_have_url(re.compile("/runs/"))
    expect(page.get_by_test_id("graph").get_by_text("4 / 4")).to_be_visible()
    page.get_by_role("link", name="Details").click()
    expect(page.get_by_text("they are hungry")).to_be_visible()


def test_start_a_run_keeps_its_place_where_a_second_click_would_fall(page: Page, zoo: Zoo) -> None:
    page.goto("/pipelines/feeding")
    start = page.get_by_role("link", name="Start a run")
    before = start.bounding_box()
    start.dblclick()
    expect(page.get_by_label("Why?")).to_be_visible()
    expect(page.get_by_text("may stay empty")).to_be_visible()
    assert start.bounding_box() == before
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_empty_place_begins_where_its_title_does(page: Page, zoo: Zoo) -> None:
    page.goto("/compare")
    title, empty = page.get_by_role("heading", name="Compare two runs"), page.get_by_text("Choose two runs", exact=True)
    expect(empty).to_be_visible()
    boxes = [title.bounding_box(), empty.bounding_box()]
    assert len({box["x"] for box in boxes if box is not None}) == 1


def test_a_pipeline_and_a_schedule_are_paused_and_go_on(page: Page, zoo: Zoo) -> None:
    page.goto("/pipelines/checkup/schedules")
    expect(page.get_by_text(re.compile("06:30"))).not_to_have_count(0)
    for button, title in (("Pause", "Pause the schedule"), ("Resume", "Resume the schedule")):
        page.get_by_role("button", name=button, exact=True).last.click()
        act(page, title)
    for button, title in (("Pause", "Pause the pipeline"), ("Unpause", "Unpause the pipeline")):
        page.get_by_role("button", name=button, exact=True).first.click()
        act(page, title)
    expect(page.get_by_role("button", name="Pause", exact=True)).to_have_count(2)


def test_a_backfill_is_shown_before_it_starts(page: Page, zoo: Zoo) -> None:
    page.goto("/pipelines/feeding/schedules")
    page.get_by_role("button", name="Backfill").first.click()
    dialog = page.get_by_role("dialog", name="Backfill morning")
    dialog.get_by_label("From").fill("2026-01-01T00:00")
    dialog.get_by_label("Up to, not including").fill("2026-01-03T00:00")
    dialog.get_by_role("button", name="Show what it would start").click()
    expect(dialog.get_by_text("It would start 2 runs.")).to_be_visible()
    dialog.get_by_role("button", name="Start 2 runs").click()
    expect(page).to_have_url(re.compile("/backfills"))


def test_two_versions_are_laid_side_by_side_and_the_older_one_comes_back(page: Page, zoo: Zoo) -> None:
    file = zoo.root / "molting.py"
    for end in ("", " + ' skin'"):
        write(file, MOLTING.replace("{end}", end))
        page.goto("/")
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        versions = 2 if end else 1
        while len(versions_of(zoo)) < versions:
            pass
    page.goto("/pipelines/molting/code")
    expect(page.get_by_role("region", name="Code of molting.py").get_by_text("' skin'")).to_be_visible()
    page.get_by_role("button", name="What changed").click()
    changes = page.get_by_role("region", name="Changes of molting.py")
    expect(changes.get_by_text("' skin'")).to_have_count(1)
    page.get_by_role("list", name="Versions, newest first").get_by_role("listitem").last.get_by_role(
        "button"
    ).first.click()
    page.get_by_role("button", name="Go back to it").click()
    act(page, "Make it the current version", reason="the skin was too much")
    expect(
        page.get_by_role("listitem").filter(has_text="current").filter(has=page.locator("[aria-current=true]"))
    ).to_have_count(1)


def versions_of(zoo: Zoo) -> list[object]:
    known = [each["name"] for each in zoo.ask("/pipelines")["items"]]
    return list(zoo.ask("/pipelines/molting/versions")["items"]) if "molting" in known else []


def write(file: Path, text: str) -> None:
    """At once, as editors do: half a file is no version."""
    beside = file.with_suffix(".new")
    beside.write_text(text)
    beside.replace(file)


def test_the_calendar_and_the_durations_lead_to_runs(page: Page, zoo: Zoo) -> None:
    ended(zoo, "helpings")
    page.goto("/pipelines/helpings/calendar")
    page.get_by_role("button", name=re.compile("succeeded")).click()
    expect(page).to_have_url(re.compile(r"/runs\?pipeline=helpings"))
    page.goto("/pipelines/helpings/durations")
    expect(page.get_by_role("img", name=re.compile("Durations of"))).to_be_visible()
    page.get_by_role("heading", name="Slowest of them").locator("xpath=following-sibling::ul").get_by_role(
        "button"
    ).first.click()
    expect(page).to_have_url(re.compile("/runs/.*/timeline"))


def test_the_docs_are_the_docstrings(page: Page, zoo: Zoo) -> None:
    page.goto("/pipelines/feeding/docs")
    expect(page.locator("strong", has_text="mapped")).to_be_visible()
    expect(page.get_by_text("Grams that one animal ate.")).to_be_visible()
