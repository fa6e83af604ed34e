"""Stripe's changes, loaded: what a list cannot tell, the events do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.billing import Billing
from toque.errors import TransientError, UserError
from toque.graph.loads import LoadSpec, Merge, TableName
from toque.integrations.loading import LoadResult, load
from toque.integrations.patience import Patience
from toque.integrations.stripe.changes import KEPT_S, Gap, StripeChanges, StripeSpec
from toque.integrations.stripe.client import StripeClient
from toque.integrations.warehouses.duckdb import DuckDBWarehouse


@pytest.fixture
def account(billing: Billing, naps: list[float]) -> Iterator[StripeClient]:
    with StripeClient(billing.options, Patience(sleep=naps.append)) as client:
        yield client


class Copy:
    """A table that is kept like the objects of an account."""

    def __init__(self, account: StripeClient, folder: Path, name: str, **more: Any) -> None:
        self.source = StripeChanges(account, f"billing.{name}", StripeSpec(object=name, page=3, **more))
        self.warehouse = DuckDBWarehouse(str(folder / "shop.duckdb"))
        self.spec = LoadSpec(table=TableName.parse(f"raw.{name}"), mode=Merge("id"))

    def load(self) -> LoadResult:
        return load(self.source, self.warehouse, self.spec)

    def rows(self, columns: str) -> list[tuple[Any, ...]]:
        with self.warehouse.session() as session:
            return session.fetch(f"SELECT {columns} FROM {self.spec.table} ORDER BY 1")


def test_what_is_made_changed_and_deleted_arrives_once(billing: Billing, account: StripeClient, tmp_path: Path) -> None:
    keys = [billing.customer(f"c{n}", email=f"c{n}@example.com") for n in range(7)]
    copy = Copy(account, tmp_path, "customers")
    assert copy.load().inserted == 7
    billing.change("customer", keys[1], email="new@example.com")
    billing.remove("customer", keys[2])
    billing.customer("c7")
    again = copy.load()
    assert (again.inserted, again.updated, again.deleted) == (1, 1, 1)
    assert copy.rows("name, email") == [
        ("c0", "c0@example.com"),
        ("c1", "new@example.com"),
        ("c3", "c3@example.com"),
        ("c4", "c4@example.com"),
        ("c5", "c5@example.com"),
        ("c6", "c6@example.com"),
        ("c7", None),
    ]
    assert copy.load().changed == 0


def test_of_many_changes_the_newest_counts(billing: Billing, account: StripeClient, tmp_path: Path) -> None:
    key = billing.customer("one")
    copy = Copy(account, tmp_path, "customers")
    copy.load()
    for n in range(8):
        billing.change("customer", key, name=f"name {n}")
    copy.load()
    assert copy.rows("name") == [("name 7",)]


def test_an_event_that_is_older_than_the_list_changes_nothing(
    billing: Billing, account: StripeClient, tmp_path: Path
) -> None:
    key = billing.customer("before")
    billing.change("customer", key, name="after")
    billing.clock.forward(60)
    copy = Copy(account, tmp_path, "customers")
    copy.load()
    billing.customer("another")
    copy.load()
    assert copy.rows("name") == [("after",), ("another",)]


def test_after_the_events_are_gone_everything_is_listed_and_what_is_missing_was_deleted(
    billing: Billing, account: StripeClient, tmp_path: Path
) -> None:
    keys = [billing.customer(f"c{n}") for n in range(5)]
    copy = Copy(account, tmp_path, "customers")
    copy.load()
    billing.remove("customer", keys[0])
    billing.clock.forward(KEPT_S + 60)
    done = copy.load()
    assert done.deleted == 1
    assert [name for (name,) in copy.rows("name")] == ["c1", "c2", "c3", "c4"]


def test_a_gap_can_be_an_error(billing: Billing, account: StripeClient, tmp_path: Path) -> None:
    billing.customer("one")
    copy = Copy(account, tmp_path, "customers", on_gap="fail")
    copy.load()
    billing.clock.forward(KEPT_S + 60)
    with pytest.raises(Gap, match="30 days"):
        copy.load()


def test_a_subscription_that_ends_stays_and_carries_its_price(
    billing: Billing, account: StripeClient, tmp_path: Path
) -> None:
    made = billing.subscription(billing.payer("payer"), 2500, quantity=3)
    copy = Copy(account, tmp_path, "subscriptions")
    copy.load()
    mrr = "sum((item->'plan'->>'amount')::BIGINT * (item->>'quantity')::INT)"
    monthly = f"{mrr} FROM (SELECT unnest(json_extract(data, '$.items.data[*]')) AS item"
    with copy.warehouse.session() as session:
        assert session.fetch(f"SELECT {monthly} FROM raw.subscriptions WHERE status = 'active')") == [(7500,)]
    billing.end(made)
    copy.load()
    assert copy.rows("id, status") == [(made, "canceled")]


def test_a_busy_account_is_waited_for_and_a_wrong_key_is_not(
    billing: Billing, account: StripeClient, naps: list[float]
) -> None:
    billing.customer("one")
    billing.arm("status", "customers", status=429, retry_after="7", times=2)
    assert len(account.page("customers").records) == 1
    assert naps == [7, 7]
    billing.arm("status", "customers", status=503, times=50)
    with pytest.raises(TransientError, match="503"):
        account.page("customers")
    with StripeClient({**billing.options, "api_key": "rk_wrong"}) as stranger:
        billing.faults.clear()
        with pytest.raises(UserError, match="401"):
            stranger.page("customers")


def test_what_cannot_be_read_is_named(account: StripeClient) -> None:
    with pytest.raises(UserError, match="one of charges, customers"):
        StripeChanges(account, "billing.x", StripeSpec(object="unicorns"))
    with pytest.raises(UserError, match="api_key"):
        StripeClient({"url": "http://127.0.0.1:1"})
