"""An older database becomes what a new one is, with its runs in flight; the two ways to the schema never drift."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from tests import first_release
from tests import store_rows as rows
from toque.ports.store import SchemaOutdated, StoreUnavailable
from toque.store import migrations, open_store
from toque.store.migrations import upgrade
from toque.store.sql import revision, schema
from toque.store.sql.messages import VERSION
from toque.store.sql.schema import REVISIONS


def sqlite_shape(path: Path) -> dict[str, Any]:
    """Everything that matters about the tables of a file, without the layout of the text that made them."""
    connection = sqlite3.connect(path)
    shape: dict[str, Any] = {
        "auto_vacuum": connection.execute("PRAGMA auto_vacuum").fetchall(),
        "journal_mode": connection.execute("PRAGMA journal_mode").fetchall(),
        "revision": connection.execute("SELECT * FROM alembic_version").fetchall(),
    }
    text_of = dict(connection.execute("SELECT name, sql FROM sqlite_master").fetchall())
    for _, table, kind, _, without_rowid, strict in connection.execute("PRAGMA table_list").fetchall():
        text = text_of.get(table) or ""
        indexes = {
            name: (
                unique,
                origin,
                [column for _, _, column in connection.execute(f"PRAGMA index_info({name})")],
                flat(text_of.get(name)),
            )
            for _, name, unique, origin, _ in connection.execute(f"PRAGMA index_list({table})")
        }
        shape[table] = {
            "kind": (kind, without_rowid, strict, "AUTOINCREMENT" in text),
            "columns": connection.execute(f"PRAGMA table_info({table})").fetchall(),
            "indexes": indexes,
            "checks": re.findall(r"CONSTRAINT \w+ CHECK \(.*?\)\)", flat(text)),
        }
    connection.close()
    return shape


def flat(text: str | None) -> str:
    return " ".join((text or "").replace('"', "").split())


def postgresql_shape(url: str) -> list[Any]:
    """Columns, constraints and indexes as PostgreSQL itself describes them."""
    with psycopg.connect(url) as connection:
        return [
            connection.execute(query).fetchall()
            for query in (
                "SELECT table_name, ordinal_position, column_name, data_type, collation_name, is_nullable,"
                " column_default, is_identity, identity_generation, character_maximum_length"
                " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2",
                "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
                " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
                "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2",
                "SELECT * FROM alembic_version",
            )
        ]


async def test_a_migrated_sqlite_file_is_the_same_as_a_created_one(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/created.db")
    await store.open()
    await store.close()
    assert upgrade(f"sqlite:///{tmp_path}/migrated.db") == ("", REVISIONS[-1])
    created, migrated = sqlite_shape(tmp_path / "created.db"), sqlite_shape(tmp_path / "migrated.db")
    assert created["tasks"]["checks"]
    assert migrated == created


async def test_a_migrated_postgresql_database_is_the_same_as_a_created_one(
    postgres_url: str, empty_postgres_url: str
) -> None:
    assert upgrade(empty_postgres_url) == ("", REVISIONS[-1])
    assert postgresql_shape(empty_postgres_url) == postgresql_shape(postgres_url)


def test_every_revision_has_its_script_and_they_form_one_line() -> None:
    scripts = ScriptDirectory(str(migrations.SCRIPTS))
    assert tuple(script.revision for script in reversed([*scripts.walk_revisions()])) == REVISIONS


def made_by_the_first_release(url: str) -> None:
    """A store of revision 0001 with a run in flight and a current version, written as that release wrote them."""
    first_release.make(url, [rows.run()], [rows.full_task()])
    engine = migrations._sqlite_engine(url) if url.startswith("sqlite:") else migrations._postgresql_engine(url)
    version = dict(zip(VERSION.names, VERSION.encode(rows.version()), strict=True))
    current = {"pipeline": "p", "version": "v1", "actor": "ann", "at_us": 1}
    with engine.begin() as connection:
        for table, values in (("versions", version), ("current_versions", current)):
            marks = ", ".join(f":{name}" for name in values)
            connection.execute(sa.text(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"), values)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_store_of_the_first_release_goes_on_after_the_upgrade(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Its run in flight is there, and its current versions are waiting for their schedules to be read."""
    url = f"sqlite:///{tmp_path}/toque.db" if kind == "sqlite" else request.getfixturevalue("empty_postgres_url")
    made_by_the_first_release(url)
    store = open_store(url)
    with pytest.raises(SchemaOutdated, match=r"schema 0001.*run `toque db upgrade`"):
        await store.open()
    await store.close()
    assert upgrade(url) == ("0001", REVISIONS[-1])
    store = open_store(url)
    await store.open()
    assert [row.version for row in await store.triggers.unsynced()] == ["v1"]
    stored = await store.load_run("r1")
    assert stored is not None
    assert (stored.run.owner, stored.tasks) == (rows.ME, [rows.full_task()])
    await store.commit(rows.commit(runs=[rows.run(reason="goes on")], tasks=[rows.task()], facts=[rows.facts(1)]))
    assert await store.backfills.running() == []
    await store.close()


@pytest.fixture
def a_later_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Toque as it will be one revision from now."""
    scripts = tmp_path / "scripts"
    shutil.copytree(migrations.SCRIPTS, scripts)
    (scripts / "versions" / "r9001_later.py").write_text(
        "import sqlalchemy as sa\n"
        "from alembic import op\n"
        "revision = '9001'\n"
        f"down_revision = {REVISIONS[-1]!r}\n"
        "def upgrade() -> None:\n"
        "    op.add_column('runs', sa.Column('mood', sa.Text(), nullable=False, server_default='fine'))\n"
    )
    monkeypatch.setattr(migrations, "SCRIPTS", scripts)
    monkeypatch.setattr(revision, "REVISIONS", (*REVISIONS, "9001"))
    monkeypatch.setattr(schema, "REVISIONS", (*REVISIONS, "9001"))
    monkeypatch.setattr(migrations, "REVISIONS", (*REVISIONS, "9001"))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_store_of_the_previous_release_opens_after_the_upgrade_with_its_runs_in_flight(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/toque.db" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    before = open_store(url)
    await before.open()
    await before.commit(
        rows.commit(runs=[rows.run()], tasks=[rows.full_task()], facts=[rows.facts(1, 3)], acquire=[rows.hold("a")])
    )
    await before.close()
    request.getfixturevalue("a_later_release")
    store = open_store(url)
    with pytest.raises(SchemaOutdated, match="run `toque db upgrade`"):
        await store.open()
    await store.close()
    assert upgrade(url) == (REVISIONS[-1], "9001")
    assert upgrade(url) == ("9001", "9001")
    store = open_store(url)
    await store.open()
    stored = await store.load_run("r1")
    assert stored is not None
    assert (stored.run.owner, stored.run.fact_seq, stored.tasks) == (rows.ME, 3, [rows.full_task()])
    assert await store.pool_usage() == {"pool": 1}
    await store.commit(rows.commit(tasks=[rows.task()], facts=[rows.facts(4)]))
    await store.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_store_is_not_upgraded_under_a_process_that_lives_on_it(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/toque.db" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    store = open_store(url)
    await store.open()
    await store.new_boot("server-1", pid=1, host="", role="server", now_us=1)
    assert upgrade(url) == (REVISIONS[-1], REVISIONS[-1])
    request.getfixturevalue("a_later_release")
    with pytest.raises(StoreUnavailable, match="in use by server-1"):
        upgrade(url)
    await store.close()
    assert upgrade(url) == (REVISIONS[-1], "9001")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_neither_a_newer_store_nor_the_database_of_another_program_is_touched(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    def url(fixture: str) -> str:
        return f"sqlite:///{tmp_path}/{fixture}" if kind == "sqlite" else str(request.getfixturevalue(fixture))

    newer, foreign = url("postgres_url"), url("empty_postgres_url")
    store = open_store(newer)
    await store.open()
    await store.close()
    execute(newer, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaOutdated, match="upgrade Toque"):
        upgrade(newer)
    execute(foreign, f"CREATE TABLE {'customers' if kind == 'sqlite' else 'runs'} (id INTEGER)")
    with pytest.raises(StoreUnavailable, match="belongs to another program"):
        upgrade(foreign)
    execute(foreign, "CREATE TABLE alembic_version (id INTEGER)")


def execute(url: str, statement: str) -> None:
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.execute(statement)
        connection.commit()
        connection.close()
    else:
        with psycopg.connect(url) as session:
            session.execute(statement.encode())


def test_a_database_that_cannot_be_upgraded_is_reported(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database\n" * 100)
    with pytest.raises(StoreUnavailable, match="not a SQLite database"):
        upgrade(f"sqlite:///{tmp_path}/notes.txt")
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        upgrade(f"postgresql:///nowhere?host={tmp_path}")


def test_a_store_whose_schema_is_current_imports_neither_sqlalchemy_nor_alembic(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from tests import store_rows as rows\n"
        "from toque.store import open_store\n"
        "async def main():\n"
        f"    store = open_store('sqlite:///{tmp_path}/toque.db')\n"
        "    await store.open()\n"
        "    await store.new_boot(rows.ME, pid=1, host='', role='server', now_us=1)\n"
        "    await store.commit(rows.commit(runs=[rows.run()]))\n"
        "    await store.load_run('r1')\n"
        "    await store.close()\n"
        "asyncio.run(main())\n"
        "heavy = {'sqlalchemy', 'alembic', 'psycopg', 'pydantic', 'obstore', 'click', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
