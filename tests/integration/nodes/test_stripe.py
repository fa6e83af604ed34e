"""Stripe as the source of loads that are nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.nodes.conftest import Project
from toque.errors import UserError

if TYPE_CHECKING:
    from tests.billing import Billing

LOADS = """
from toque import Merge, Stripe, Warehouse, load, pipeline

billing, warehouse = Stripe("billing"), Warehouse("warehouse")
customers = load(billing.changes("customers"), into=warehouse.table("raw.customers"), mode=Merge("id"))
subscriptions = load(billing.changes("subscriptions"), into=warehouse.table("raw.subscriptions"), mode=Merge("id"))
shop = pipeline("shop", assets=[customers, subscriptions])
"""


def test_customers_and_subscriptions_are_kept(project: Project, billing: Billing) -> None:
    project.connect("billing", type="stripe", **billing.options)
    billing.subscription(billing.payer("Ada"), 2500, quantity=2)
    leaving = billing.customer("Bob")
    shop = project.load(LOADS)
    assert project.run(shop).made("raw_customers").rows == 2
    billing.remove("customer", leaving)
    assert project.run(shop).made("raw_customers").metadata["deleted"] == 1
    assert project.rows("SELECT name FROM raw.customers") == [("Ada",)]
    assert project.rows("SELECT status FROM raw.subscriptions") == [("active",)]


def test_an_object_that_cannot_be_read_breaks_the_file_at_its_line(project: Project) -> None:
    with pytest.raises(UserError, match="unicorns") as raised:
        project.load(LOADS.replace('"customers"),', '"unicorns"),'))
    assert raised.value.line == 5
