"""A page that stays open: it shows what happens as it happens, through a restart of the server, without a reload."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import TOKEN, Zoo


def test_a_run_appears_and_ends_on_a_page_that_is_open(page: Page, zoo: Zoo) -> None:
    page.goto("/runs?pipeline=helpings")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    run_id = zoo.run("helpings", name="puma-7")
    row = page.get_by_role("row").filter(has_text=run_id[-8:])
    expect(row.get_by_text("succeeded")).to_be_visible()


def test_what_needs_a_person_comes_up_by_itself(page: Page, zoo: Zoo) -> None:
    page.goto("/")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    zoo.run("checkup", name="ocelot")
    expect(page.get_by_text("LookupError: ocelot is not in its cage")).to_be_visible()


@pytest.mark.unanswered
def test_the_stream_goes_on_after_the_server_was_killed_without_a_reload(page: Page, zoo: Zoo) -> None:
    page.goto("/runs?pipeline=rounds")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.evaluate("window.isTheSamePage = true")
    zoo.stop()
    expect(page.get_by_text("Reconnecting")).to_be_visible()
    zoo.start(int(zoo.url.rsplit(":", 1)[1]))
    run_id = zoo.run("rounds")
    row = page.get_by_role("row").filter(has_text=run_id[-8:])
    expect(row.get_by_text("succeeded")).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    assert page.evaluate("window.isTheSamePage") is True


def test_who_is_not_signed_in_is_told_how(browser: Browser, zoo: Zoo) -> None:
    context = browser.new_context(base_url=zoo.url)
    page = context.new_page()
    page.goto("/runs?state=failed")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Or paste the key").fill("not the key")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Or paste the key").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    assert page.url.endswith("/runs?state=failed")
    context.close()


def test_a_key_in_the_address_signs_in_and_leaves_it(browser: Browser, zoo: Zoo) -> None:
    context = browser.new_context(base_url=zoo.url)
    page = context.new_page()
    page.goto(f"/sign-in?key={TOKEN}")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/$"))
    context.close()


def test_the_palette_finds_and_goes(page: Page, zoo: Zoo) -> None:
    page.goto("/")
    page.get_by_role("heading", name="Home").wait_for()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("feedi")
    expect(page.get_by_role("option", name=re.compile("feeding")).first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/pipelines/feeding"))


def test_keys_go_to_pages_and_are_explained(page: Page, zoo: Zoo) -> None:
    page.goto("/")
    page.get_by_role("heading", name="Home").wait_for()
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page.get_by_role("heading", name="System")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog").get_by_text("Go to Pipelines")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_pipeline_is_paused_and_let_go_from_its_row(page: Page, zoo: Zoo) -> None:
    page.goto("/pipelines")
    page.get_by_role("button", name="Pause feeding").click()
    expect(page.get_by_role("button", name="Let feeding run again")).to_be_visible()
    assert zoo.ask("/pipelines/feeding")["paused"] is True
    page.get_by_role("button", name="Let feeding run again").click()
    expect(page.get_by_role("button", name="Pause feeding")).to_be_visible()
    assert zoo.ask("/pipelines/feeding")["paused"] is False


def test_a_failed_run_is_retried_from_home_after_showing_what_that_touches(page: Page, zoo: Zoo) -> None:
    zoo.run("checkup", name="caracal")
    page.goto("/")
    ticket = page.get_by_role("listitem").filter(has_text="caracal")
    ticket.get_by_role("button", name="Retry").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("weigh").first).to_be_visible()
    dialog.get_by_role("button", name="Retry the run").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("checkup goes on")).to_be_visible()


def test_filters_are_in_the_address(page: Page, zoo: Zoo) -> None:
    page.goto("/runs")
    page.get_by_role("button", name="failed").click()
    expect(page).to_have_url(re.compile("state=failed"))
    page.get_by_label("Search pipeline or run id").fill("check")
    expect(page).to_have_url(re.compile("search=check"))
    page.reload()
    expect(page.get_by_role("button", name="failed")).to_have_attribute("aria-pressed", "true")
