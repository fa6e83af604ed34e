"""The recipes of the page about loads work as they stand there, against a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.examples.conftest import ROOT, blocks
from tests.integration.nodes.conftest import Project, forget
from toque.graph.ir import Pipeline

PAGE = ROOT / "docs" / "how-to" / "loads.md"
URL = "postgresql://localhost/app"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.chdir(tmp_path)
    yield Project(tmp_path)
    forget(tmp_path)


def inserted(project: Project, pipeline: Pipeline) -> dict[str, int]:
    ran = project.run(pipeline)
    return {name: ran.result(name)["inserted"] for name in ran.reports}


def test_the_recipes_load_what_they_say(empty_postgres_url: str, project: Project) -> None:
    table, log, anew, contract, own = (block.replace(URL, empty_postgres_url) for block in blocks(PAGE, "python")[1:])
    project.connect("app", type="postgresql", url=empty_postgres_url)
    module = "\n".join((table, log, contract, own))
    with psycopg.connect(empty_postgres_url, autocommit=True) as app:
        app.execute("CREATE TABLE customers (id int, city text, updated_at timestamptz, deleted_at timestamptz)")
        app.execute("INSERT INTO customers VALUES (1, 'Rome', now(), null), (2, 'Oslo', now(), now())")
        app.execute("CREATE TABLE events (id int PRIMARY KEY, kind text)")
        app.execute("INSERT INTO events VALUES (1, 'seen'), (2, 'bought')")
        pipeline = project.load(module)
        assert inserted(project, pipeline) == {"raw_customers": 1, "raw_events": 2, "raw_strict": 2, "raw_counter": 2}

        page: dict[str, Any] = {"events": project.module.events}
        app.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
        app.execute("DELETE FROM events WHERE id = 1")
        exec(anew, page)
        assert page["behind"] == 0
        assert project.run(pipeline).result("raw_events")["deleted"] == 1

        app.execute("ALTER TABLE customers ADD COLUMN tier int")
        error = project.run(pipeline).error("raw_strict")
        assert "raw.strict refuses rows of another schema: tier (int32) is new" in error.message
        page["source"].drop()
    assert project.rows("SELECT id, _toque_deleted FROM raw.events ORDER BY id") == [(1, True), (2, False)]
