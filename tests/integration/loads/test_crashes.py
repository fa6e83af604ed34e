"""A load may die anywhere: the next one goes on, and the table is as if nothing had happened."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.examples.conftest import ROOT
from tests.integration.loads.faults import GIVEN, SPEC, Crash, Steps, Watched
from tests.load_model import batch_of, content, expected, ordered
from toque.errors import TransientError
from toque.graph.loads import Append, LoadSpec, TableName
from toque.integrations.loading import LoadResult, load, load_batch
from toque.integrations.warehouses.duckdb import DuckDBWarehouse
from toque.ports.warehouse import Session

LEDGER = "SELECT number, since, upto, inserted, updated, deleted, ignored FROM raw._toque_loads ORDER BY number"
UNDISTURBED = [(1, "", "1", 3, 0, 0, 0), (2, "1", "2", 1, 1, 1, 1)]


def check(session: Session) -> None:
    """Table and ledger are those of an undisturbed load."""
    assert content(session, SPEC.table, SPEC.mode) == ordered(expected(SPEC.mode, GIVEN))
    assert session.fetch(LEDGER) == UNDISTURBED


def crashes_at(step: int) -> bool:
    """Load with an exception at the step, then without; False if there is no such step."""
    count = itertools.count()

    def told(what: str) -> None:
        # After a step is before the next one, but for the commit.
        if (not what.startswith("after") or what == "after commit") and next(count) == step:
            raise Crash(what)

    warehouse = DuckDBWarehouse(":memory:", settings={"threads": 1})
    with warehouse.session() as session:
        crashed = _runs_into_it(Watched(warehouse, told, session), told)
        source = Steps()
        load(source, Watched(warehouse, lambda _: None, session), SPEC)
        check(session)
    return crashed


def _runs_into_it(warehouse: Any, told: Any) -> bool:
    try:
        load(Steps(told), warehouse, SPEC)
    except Crash:
        return True
    return False


def test_an_exception_at_any_step_leaves_nothing_behind() -> None:
    steps = next(step for step in itertools.count() if not crashes_at(step))
    assert steps > 40


@pytest.mark.parametrize(
    "step",
    [
        "after copy_in",
        'after execute DELETE FROM "raw"."contact"',
        "before commit",
        "after commit",
        "confirm",
    ],
)
def test_a_killed_process_leaves_a_table_that_the_next_load_completes(step: str, tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    command = [sys.executable, "-m", "tests.integration.loads.faults", str(path), step]
    assert subprocess.run(command, check=False, cwd=ROOT).returncode == -9
    warehouse = DuckDBWarehouse(path)
    load(Steps(), warehouse, SPEC)
    with warehouse.session() as session:
        check(session)


def test_a_load_into_snowflake_that_ends_anywhere_is_completed_by_the_next(
    snowflake_emulator: dict[str, object],
) -> None:
    """Each attempt ends a few statements later than the one before, until one gets through. What ends is the client: of
    a transaction whose session is gone Snowflake lets go by itself, which the emulator does not."""
    from toque.integrations.warehouses.snowflake import SnowflakeWarehouse

    warehouse = SnowflakeWarehouse(snowflake_emulator)
    seen: list[list[tuple[Any, ...]]] = []
    with warehouse.session() as session:
        try:
            for ends in itertools.count(1, 8):
                count = itertools.count()

                def told(what: str, ends: int = ends, count: Iterator[int] = count) -> None:
                    if (not what.startswith("after") or what == "after commit") and next(count) == ends:
                        raise Crash(what)

                if not _runs_into_it(Watched(warehouse, told, session), told):
                    break
                seen.append(session.fetch(LEDGER) if session.columns(TableName.parse("raw._toque_loads")) else [])
            check(session)
        finally:
            session.execute("DROP SCHEMA IF EXISTS raw CASCADE")
    assert [len(each) for each in seen] == sorted(len(each) for each in seen)
    assert {len(each) for each in seen} >= {0, 1}


def test_of_two_transactions_that_overlap_in_duckdb_the_later_one_tries_again(tmp_path: Path) -> None:
    """DuckDB has no locks: the number in the ledger lets one of them win."""
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb", settings={"threads": 1})
    spec = LoadSpec(table=SPEC.table, mode=Append())
    first = batch_of(GIVEN[0], upto="1")
    other = batch_of(GIVEN[1], upto="2")
    load_batch(batch_of([], upto="0"), warehouse, spec, source="crm")
    done: list[LoadResult] = []

    def told(what: str) -> None:
        if what == "before commit":
            done.append(load_batch(other, warehouse, spec, source="crm"))

    with pytest.raises(TransientError):
        load_batch(first, Watched(warehouse, told), spec, source="crm")
    assert [each.inserted for each in done] == [3]
    assert load_batch(first, warehouse, spec, source="crm").inserted == 3
    assert load_batch(first, warehouse, spec, source="crm").repeated == 1


def test_a_file_that_another_process_has_open_is_named(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    command = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(TransientError, match="one process owns a DuckDB file"), DuckDBWarehouse(path).session():
            pass
        holder.communicate()
