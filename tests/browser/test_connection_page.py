"""Connections as a person walks them: tried, changed, added; what they say is never a secret."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Zoo


def test_a_connection_is_tried_from_its_page(page: Page, zoo: Zoo) -> None:
    page.goto("/")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Connections").click()
    lake = page.get_by_role("region", name="lake")
    lake.get_by_role("button", name="Test lake").click()
    expect(lake.get_by_role("status").get_by_text("its directory does")).to_be_visible()
    gatehouse = page.get_by_role("region", name="gatehouse")
    gatehouse.get_by_role("button", name="Test gatehouse").click()
    expect(gatehouse.get_by_role("status").get_by_text("unable to open database file")).to_be_visible()
    keeper = page.get_by_role("region", name="keeper")
    expect(keeper.get_by_text("env:KEEPER_OF_THE_ZOO")).to_be_visible()
    expect(keeper.get_by_text("Is told of late")).to_be_visible()


def test_a_new_one_is_a_form_that_says_the_lines_to_write(page: Page, zoo: Zoo) -> None:
    page.goto("/connections")
    page.get_by_role("button", name="Add a connection…").click()
    dialog = page.get_by_role("dialog", name="Add a connection")
    dialog.get_by_label("Type").select_option("salesforce")
    expect(page).to_have_url(re.compile("add=salesforce"))
    copy = dialog.get_by_role("button", name="Copy the lines")
    expect(copy).to_be_disabled()
    dialog.get_by_label("Name", exact=True).fill("crm")
    dialog.get_by_label("User").fill("ana@example.com")
    dialog.get_by_label("Password").fill("hunter2")
    expect(dialog.get_by_text("Needs where it is kept, as env:NAME or file:path")).to_be_visible()
    expect(copy).to_be_disabled()
    dialog.get_by_label("Password").fill("env:CRM_PASSWORD")
    lines = dialog.get_by_label("Lines for toque.toml")
    expect(lines).to_contain_text("[connections.crm]")
    expect(lines).to_contain_text('password = { secret = "env:CRM_PASSWORD" }')
    expect(copy).to_be_enabled()


def test_a_change_is_shown_as_what_goes_and_what_comes(page: Page, zoo: Zoo) -> None:
    page.goto("/connections?edit=gatehouse")
    dialog = page.get_by_role("dialog", name="Change gatehouse")
    expect(dialog.get_by_text(re.compile(r"Change this in toque\.toml, line \d+"))).to_be_visible()
    dialog.get_by_label("Slots").fill("3")
    lines = dialog.get_by_label("Lines for toque.toml")
    expect(lines.get_by_role("deletion")).to_have_text("slots = 2")
    expect(lines.get_by_role("insertion")).to_have_text("slots = 3")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
    expect(page).to_have_url(re.compile("/connections$"))
