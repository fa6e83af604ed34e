"""Errands: the preview of a sync and the replay of rejects, as runs of their own."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from toque.errors import UserError
from toque.integrations.warehouses.duckdb import DuckDBWarehouse
from toque.local.errands import preview_sync, replay_rejects
from toque.local.running import run_file
from toque.settings import Settings, load

SHOP = dedent(
    """
    from toque import Files, Upsert, Warehouse, in_range, load, pipeline, sync

    inbox, out, warehouse = Files("inbox"), Files("out"), Warehouse("warehouse")
    table = warehouse.table("raw.orders")
    orders = load(inbox.files("*.csv"), into=table, mode=Upsert("id"), checks=[in_range("amount", max=15).quarantine()])
    sent = sync(table, into=out.folder("orders"), mode=Upsert("id"), fields={"id": "id", "email": "email"})
    shop = pipeline("shop", assets=[sent, orders])
    """
)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    places = {"inbox": ("file", "inbox"), "out": ("file", "out"), "warehouse": ("duckdb", "shop.duckdb")}
    toml = "".join(f'[connections.{name}]\ntype = "{kind}"\npath = "{path}"\n' for name, (kind, path) in places.items())
    (tmp_path / "toque.toml").write_text(f"workers = 1\n{toml}")
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "monday.csv").write_text("id,email,amount\n1,ada@x.example,10\n2,bob@x.example,20\n")
    return load(tmp_path, environ={})


def test_a_sync_is_previewed_and_rejects_are_replayed(settings: Settings) -> None:
    assert run_file(settings, settings.project / "shop.py", parameters={}).state == "succeeded"
    (settings.project / "shop.py").write_text(SHOP.replace("max=15", "max=25"))
    replayed = replay_rejects(settings, "warehouse.raw.orders")
    assert (replayed["replayed"], replayed["still_bad"]) == (1, 0)
    found = preview_sync(settings, "out.orders")
    assert found["operations"] == {"upsert": 1}
    assert found["samples"] == {"upsert": [{"id": 2, "email": "***"}]}
    assert len(list((settings.project / "out" / "orders").iterdir())) == 1, "a preview sends nothing"
    with DuckDBWarehouse(settings.project / "shop.duckdb").session() as session:
        assert session.fetch("SELECT id FROM raw.orders ORDER BY id") == [(1,), (2,)]
    with pytest.raises(UserError, match=r"warehouse.raw.orders is not written by a sync"):
        preview_sync(settings, "warehouse.raw.orders")
