"""The recipes of the page about loads work as they stand there, against a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.examples.conftest import ROOT, blocks
from toque.errors import DataError
from toque.integrations.loading import load

PAGE = ROOT / "docs" / "how-to" / "loads.md"
URL = "postgresql://localhost/app"


def test_the_recipes_load_what_they_say(
    empty_postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page: dict[str, Any] = {}
    table, log, anew, contract, own = (block.replace(URL, empty_postgres_url) for block in blocks(PAGE, "python")[1:])
    with psycopg.connect(empty_postgres_url, autocommit=True) as app:
        app.execute("CREATE TABLE customers (id int, city text, updated_at timestamptz, deleted_at timestamptz)")
        app.execute("INSERT INTO customers VALUES (1, 'Rome', now(), null), (2, 'Oslo', now(), now())")
        exec(table, page)
        assert (page["done"].inserted, page["done"].ignored) == (1, 1)

        app.execute("CREATE TABLE events (id int PRIMARY KEY, kind text)")
        app.execute("INSERT INTO events VALUES (1, 'seen'), (2, 'bought')")
        exec(log, page)
        assert page["behind"] >= 0

        page["events"].drop()
        app.execute("DELETE FROM events WHERE id = 1")
        exec(anew, page)
        assert page["again"].deleted == 1

        exec(contract, page)
        app.execute("ALTER TABLE customers ADD COLUMN tier int")
        with pytest.raises(DataError, match=r"raw.customers refuses rows of another schema: tier \(int32\) is new"):
            load(page["customers"], page["warehouse"], page["strict"])

        exec(own, page)
        assert (page["counted"].inserted, page["counted"].cursor) == (2, "2")
        page["events"].drop()
    with page["warehouse"].session() as session:
        assert session.fetch("SELECT id, _toque_deleted FROM raw.events ORDER BY id") == [(1, True), (2, False)]
