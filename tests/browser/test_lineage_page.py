"""Columns as a person follows them: by unfolding tables, by an address. A field of a CRM: `test_revops.py`."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect


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
