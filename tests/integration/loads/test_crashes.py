"""A load may die anywhere: the next one goes on, and the table is as if nothing had happened."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.examples.conftest import ROOT
from tests.integration.loads.faults import GIVEN, SPEC, Crash, Steps, Watched
from tests.load_model import content, expected, ordered
from toque.integrations.loading import load
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
