"""The page of a run: what failed and why, its values and logs, and what people do about it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Zoo, sign_in


def ended(zoo: Zoo, pipeline: str, **parameters: object) -> str:
    """A run that has ended: the page of one that goes on is another matter."""
    run_id = zoo.run(pipeline, **parameters)
    while not zoo.ask(f"/runs/{run_id}")["finished_us"]:
        pass
    return run_id


def test_a_failure_is_explained_before_anything_is_clicked(page: Page, zoo: Zoo) -> None:
    page.goto(f"/runs/{ended(zoo, 'hatching')}")
    failures = page.get_by_role("list", name="First failures")
    expect(failures.get_by_text("there is no tank 'aquarium'")).to_be_visible()
    failures.get_by_role("button", name=re.compile("open_lid")).click()
    error = page.get_by_role("group", name="Error")
    expect(error.get_by_text("ValueError", exact=True)).to_be_visible()
    expect(error.get_by_text("caused by")).to_be_visible()
    expect(error.get_by_text("raise ValueError")).not_to_be_visible()
    error.get_by_text("Traceback", exact=True).click()
    expect(error.get_by_text("raise ValueError")).to_be_visible()
    assert "task=open_lid" in page.url


def test_attempts_are_listed_and_each_has_its_log(page: Page, zoo: Zoo) -> None:
    run_id = ended(zoo, "hatching", tank="terrarium")
    page.goto(f"/runs/{run_id}?task=shy")
    expect(page.get_by_role("table").get_by_text("nobody there at attempt 2")).to_be_visible()
    page.get_by_label("Attempt", exact=True).select_option("1")
    page.get_by_role("button", name="Logs", exact=True).click()
    log = page.get_by_role("log")
    expect(log.get_by_text("attempt 1 of a shy animal")).to_be_visible()
    expect(log.get_by_text("attempt 2 of a shy animal")).to_have_count(0)
    page.go_back()
    expect(page.get_by_role("log")).to_have_count(0)


def test_a_long_log_is_searched_filtered_and_downloaded(page: Page, zoo: Zoo) -> None:
    run_id = ended(zoo, "night", lines=20_000)
    page.goto(f"/runs/{run_id}?task=chatter&panel=logs")
    expect(page.get_by_text(re.compile(r"^20,000 lines$"))).to_be_visible()
    log = page.get_by_role("log")
    assert log.locator("xpath=.//*[@data-level]").count() < 200, "only what is in sight is drawn"
    page.get_by_label("Search the log").fill("line 19500:")
    expect(page.get_by_text("1 found")).to_be_visible()
    page.get_by_role("button", name="Next match").click()
    expect(log.locator("mark")).to_have_text("line 19500:")
    page.get_by_label("Search the log").fill("")
    page.get_by_label("Least level").select_option("error")
    expect(page.get_by_text(re.compile(r"^207 of 20,000 lines$"))).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert "line 19999" in download.value.path().read_text()


def test_values_artifacts_and_metrics_are_shown_by_their_kind(page: Page, zoo: Zoo) -> None:
    run_id = ended(zoo, "night")
    page.goto(f"/runs/{run_id}?task=report")
    expect(page.get_by_role("figure").get_by_text("loss")).to_be_visible()
    page.get_by_role("link", name=re.compile("notes")).click()
    expect(page.get_by_role("heading", name="Last night")).to_be_visible()
    expect(page.get_by_role("link", name="one")).to_have_attribute("rel", re.compile("noopener"))
    rows = page.get_by_role("region", name="Table of 2 columns").first
    expect(rows.get_by_text("gecko-0")).to_be_visible()
    page.get_by_role("button", name="Rows after").first.click()
    expect(rows.get_by_text("gecko-0", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Code", exact=True).click()
    expect(
        page.get_by_role("region", name="Code of reptiles.py").get_by_text("Leaves an artifact of each kind.")
    ).to_be_visible()


def test_a_mapped_task_is_one_box_and_a_list_that_is_searched(page: Page, zoo: Zoo) -> None:
    run_id = ended(zoo, "feeding", count=300)
    page.goto(f"/runs/{run_id}")
    box = page.get_by_test_id("graph").get_by_text("300 / 300")
    expect(box).to_be_visible()
    box.click()
    aside = page.get_by_role("complementary", name="Task feed")
    aside.get_by_label("Index or error").fill("299")
    aside.get_by_role("button", name=re.compile(re.escape("feed[299]"))).click()
    expect(page.get_by_role("heading", name="feed[299]")).to_be_visible()
    page.get_by_role("button", name="All indexes").click()
    expect(aside.get_by_role("button", name=re.compile(re.escape("feed[0]")))).to_be_visible()


def test_the_timeline_marks_the_critical_path(page: Page, zoo: Zoo) -> None:
    run_id = ended(zoo, "heating")
    page.goto(f"/runs/{run_id}/timeline")
    expect(page.get_by_text(re.compile("Critical path: [0-9]+ task runs"))).to_be_visible()
    page.get_by_role("button", name="Critical path only").click()
    row = page.get_by_role("list", name="Task runs by start").get_by_role("button", name=re.compile("^hottest"))
    row.click()
    expect(page.get_by_role("complementary", name="Task hottest")).to_be_visible()


def test_the_graph_is_walked_by_keyboard(page: Page, zoo: Zoo) -> None:
    page.goto(f"/runs/{ended(zoo, 'rounds')}")
    page.get_by_title("Fold this group").wait_for()
    node = page.locator(".react-flow__node-box", has_text="note")
    node.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Task note")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary", name="Task note")).to_have_count(0)
    expect(node).to_be_focused()


def test_escape_gives_the_keyboard_back_to_the_failure_that_was_opened(page: Page, zoo: Zoo) -> None:
    page.goto(f"/runs/{ended(zoo, 'hatching')}")
    failure = page.get_by_role("list", name="First failures").get_by_role("button", name=re.compile("open_lid"))
    failure.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="open_lid", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(failure).to_be_focused()


def test_a_graph_stands_at_once_when_it_is_opened_again(page: Page, zoo: Zoo) -> None:
    page.goto(f"/runs/{ended(zoo, 'rounds')}")
    graph = page.get_by_test_id("graph")
    expect(graph).to_have_attribute("data-drawn", "yes")
    box = page.locator(".react-flow__node-box", has_text="note")
    place = box.evaluate("box => box.style.transform")
    assert page.get_by_test_id("wires").locator("path").count() > 0
    # No worker answers now: what is drawn was kept.
    page.route("**/elk-worker*", lambda route: route.abort())
    page.reload()
    expect(graph).to_have_attribute("data-drawn", "yes")
    assert box.evaluate("box => box.style.transform") == place


def test_a_flow_shows_its_steps(page: Page, zoo: Zoo) -> None:
    page.goto(f"/runs/{ended(zoo, 'brood')}")
    graph = page.get_by_test_id("graph")
    expect(graph.get_by_text("hatch", exact=True)).to_be_visible()
    expect(graph.get_by_text("6 / 6").first).to_be_visible()


def test_the_flights_example_runs_to_its_report(page: Page, zoo: Zoo) -> None:
    page.goto("/pipelines/flights/start")
    page.get_by_role("button", name="Start a run").click()
    expect(page).to_have_url(re.compile("/runs/"))
    expect(page.locator("header").get_by_text("succeeded").first).to_be_visible()
    expect(page.get_by_test_id("graph").get_by_text("12 / 12")).to_have_count(2)
    page.get_by_test_id("graph").get_by_text("report", exact=True).click()
    page.get_by_role("button", name="In and out").click()
    panel = page.get_by_role("complementary", name="Task report")
    expect(panel.get_by_text("336,776 flights were planned from New York in 2013").first).to_be_visible()


@pytest.fixture
def live(zoo: Zoo) -> Iterator[str]:
    """A run that goes on until its gate is opened, whatever became of the test."""
    gate = zoo.root / f"gate-{os.urandom(4).hex()}"
    os.mkfifo(gate)
    run_id = zoo.run("parade", gate=str(gate))
    yield run_id
    try:
        os.close(os.open(gate, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        pass  # nobody waits any more


def test_why_a_task_waits_is_said_in_words(page: Page, zoo: Zoo, live: str) -> None:
    page.goto(f"/runs/{live}?task=note")
    why = page.get_by_role("group", name="Why is this waiting?")
    expect(why.get_by_text(re.compile("wait_at"))).to_have_count(2)
    why.get_by_role("link", name="wait_at").click()
    expect(page.get_by_role("complementary", name="Task wait_at")).to_be_visible()


def test_a_run_is_suspended_resumed_and_cancelled_after_its_effects_were_shown(page: Page, zoo: Zoo, live: str) -> None:
    page.goto(f"/runs/{live}")
    page.get_by_label("More for this run").click()
    page.get_by_role("button", name="Suspend the run").click()
    act(page, "Suspend the run", reason="the lions are loose")
    expect(page.locator("header").get_by_text("suspended").first).to_be_visible()
    page.get_by_role("button", name="Resume the run").click()
    act(page, "Resume the run")
    expect(page.locator("header").get_by_text("running").first).to_be_visible()
    page.get_by_role("button", name="Cancel the run").click()
    act(page, "Cancel the run", reason="enough")
    expect(page.locator("header").get_by_text("cancelled").first).to_be_visible()


def test_a_task_run_is_marked(page: Page, zoo: Zoo, live: str) -> None:
    page.goto(f"/runs/{live}?task=wait_at")
    page.get_by_label("More for this task").click()
    page.get_by_role("button", name="Mark as skipped").click()
    act(page, "Mark as skipped", reason="they have gone home")
    expect(page.get_by_role("complementary", name="Task wait_at").get_by_text("skipped").first).to_be_visible()


def test_what_failed_is_retried_and_the_two_runs_are_compared(page: Page, zoo: Zoo) -> None:
    run_id = ended(zoo, "checkup", name="tapir")
    page.goto(f"/runs/{run_id}")
    page.get_by_role("heading", level=1).wait_for()
    page.keyboard.press("r")
    dialog = page.get_by_role("dialog", name="Retry what failed")
    expect(dialog.get_by_text("weigh", exact=True)).to_be_visible()
    act(page, "Retry what failed")
    expect(page).not_to_have_url(re.compile(run_id))
    expect(page.locator("header").get_by_text("failed").first).to_be_visible()
    page.get_by_role("link", name=re.compile("repeats")).click()
    expect(page.get_by_role("heading", name="Compare two runs")).to_be_visible()
    expect(page.get_by_text("No task differs")).to_be_visible()


def test_a_task_is_rerun_with_the_current_code(page: Page, zoo: Zoo) -> None:
    run_id = ended(zoo, "checkup", name="okapi")
    page.goto(f"/runs/{run_id}?task=weigh")
    page.get_by_role("complementary", name="Task weigh").get_by_role(
        "button", name="Rerun from here with the current code"
    ).click()
    act(page, "Rerun from here with the current code")
    expect(page).not_to_have_url(re.compile(run_id))


def test_a_failure_is_seen_and_retried_on_a_phone(browser: Browser, zoo: Zoo) -> None:
    run_id = ended(zoo, "checkup", name="ibis")
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, base_url=zoo.url
    )
    sign_in(context, zoo)
    page = context.new_page()
    page.goto(f"/runs/{run_id}")
    page.get_by_role("list", name="First failures").get_by_role("button").tap()
    expect(page.get_by_role("group", name="Error").get_by_text("ibis is not in its cage", exact=True)).to_be_visible()
    page.get_by_role("button", name="Retry what failed").tap()
    page.get_by_role("dialog").get_by_role("button", name="Retry what failed").tap()
    expect(page).not_to_have_url(re.compile(run_id))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def act(page: Page, title: str, reason: str = "") -> None:
    """Confirm what a dialog shows."""
    dialog = page.get_by_role("dialog", name=title)
    if reason:
        dialog.get_by_label("Why?").fill(reason)
    dialog.get_by_role("button", name=title).click()
    expect(dialog).to_have_count(0)
