"""Columns as a person follows them: from an asset's page, by unfolding tables, and by an address."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect


def test_a_column_is_followed_from_the_page_of_its_asset_to_its_source(page: Page) -> None:
    page.goto("/assets/menu")
    columns = page.get_by_role("table", name="Columns")
    row = columns.get_by_role("row", name=re.compile("^kilos"))
    expect(row.get_by_role("link", name="portions.kilos")).to_be_visible()
    row.get_by_role("link", name="kilos", exact=True).click()
    expect(page).to_have_url(re.compile(r"view=lineage.*column=menu\.kilos"))
    said = page.get_by_role("status").filter(has_text="menu.kilos")
    expect(said).to_contain_text("4 columns in 4 tables")
    graph = page.get_by_test_id("graph")
    lit = graph.get_by_role("button", pressed=True)
    expect(lit).to_have_text(["kilos", "kilos", "kilos", "grams"], use_inner_text=True)
    expect(graph.get_by_text("scales.readings", exact=True)).to_be_visible()
    expect(graph.locator("[data-look=row]")).to_have_count(3)
    said.get_by_role("link", name="scales.readings.grams").click()
    expect(page).to_have_url(re.compile(r"column=scales\.readings\.grams"))
    expect(page.get_by_role("status").filter(has_text="4 columns")).to_contain_text("scales.readings.grams")
    expect(lit).to_have_count(4)


def test_a_table_unfolds_its_columns_and_one_lights_its_path(page: Page) -> None:
    page.goto("/assets?view=lineage")
    graph = page.get_by_test_id("graph")
    graph.get_by_role("button", name="Columns of stock").click()
    expect(graph.get_by_role("button", name=re.compile("^shelf"))).to_have_attribute("aria-pressed", "false")
    graph.get_by_role("button", name=re.compile("^kilos")).click()
    expect(page).to_have_url(re.compile(r"column=stock\.kilos"))
    expect(graph.get_by_role("button", pressed=True)).to_have_count(4)
    # The one that is followed, once more: let go of it.
    graph.get_by_role("button", name="kilos", pressed=True).and_(page.locator("[data-id=stock] button")).click()
    expect(graph.get_by_role("button", pressed=True)).to_have_count(0)
    graph.get_by_role("button", name="Columns of stock").click()
    expect(graph.get_by_role("button", name=re.compile("^shelf"))).to_have_count(0)


def test_an_address_leads_to_a_column(page: Page) -> None:
    page.goto("/assets/portions?column=kilos")
    named = page.get_by_role("table", name="Columns").locator("[aria-current=true]")
    expect(named).to_contain_text("SUM(2 * stock.kilos)")
    named.get_by_role("link", name="stock.kilos").click()
    expect(page).to_have_url(re.compile(r"/assets/stock\?column=kilos"))
    expect(named).to_contain_text("scales.readings.grams")
