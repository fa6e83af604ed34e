"""The recipe of a load that takes effect once: the statements before, in and after its one transaction.

1. Stage the rows in a temporary table, and alter the target where its contract allows: all before the transaction,
   since DDL would commit it on Snowflake.
2. Begin; take the lock of the table; a batch that the ledger knows was loaded before: stop, success.
3. Decide what becomes of each staged row (`merge`, `scd2`), and do it.
4. Write the batch and its cursor into the ledger; commit. Only then may the source forget.

The ledger numbers the loads of a table: its primary key lets one of two loads that began at the same number win where
locks are not held (DuckDB). The batch is known by a digest of its range *and* its rows: a source that reads with a lag
gives other rows for the same range.
"""

from __future__ import annotations

from dataclasses import dataclass

from toque.data.loads.merge import append_steps, insert_all, merge_steps
from toque.data.loads.scd2 import scd2_steps
from toque.data.loads.shaped import Shaped, Step
from toque.data.loads.tables import ACTION, LEDGER_COLUMNS, Tables
from toque.graph.loads import Append, Scd2

KEPT_LOADS = 1_000
"""Entries that the ledger keeps for each table."""


def steps(load: Shaped, *, is_everything: bool = False, is_ordered: bool = True) -> list[Step]:
    """The statements that make the target what the staged rows say.

    `is_everything`: the source has no other keys; `is_ordered`: its rows have places of their own.
    """
    match load.mode:
        case Append() if load.keys:
            return append_steps(load)
        case Append():
            return [Step("insert", insert_all(load))]
        case Scd2():
            return scd2_steps(load, is_everything=is_everything, collapses=not is_ordered)
        case _ if load.keys:
            return merge_steps(load, is_everything=is_everything)
        case _:
            return [Step("clear", f"DELETE FROM {load.target}"), Step("insert", insert_all(load))]


def plan_counts(load: Shaped) -> str:
    """How many rows have which action."""
    action = load.own(ACTION)
    return f"SELECT {action}, count(*) FROM {load.plan} GROUP BY {action}"


@dataclass(frozen=True)
class Ledger:
    """Statements about what was loaded; `?` stands for a value."""

    tables: Tables

    @property
    def _name(self) -> str:
        return self.tables.dialect.table(self.tables.ledger)

    def _own(self, name: str) -> str:
        return self.tables.dialect.own(name)

    def last(self) -> str:
        """Number and cursor of the last load of a (target, source)."""
        number = self._own("number")
        return (
            f"SELECT {number}, {self._own('upto')} FROM {self._name}"
            f" WHERE {self._own('target')} = ? AND {self._own('source')} = ? ORDER BY {number} DESC LIMIT 1"
        )

    def lock(self) -> Step:
        """Whoever loads into the table after this waits, until the transaction ends.

        DuckDB has no locks: of two transactions that overlap the second to commit fails, and may be tried again.
        """
        dialect = self.tables.dialect
        match dialect.name:
            case "postgresql":
                return Step("lock", "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))")
            case "snowflake":
                return Step("lock", f"UPDATE {dialect.table(self.tables.lock)} SET {self._own('holder')} = ?")
            case "duckdb":
                return Step("lock", "SELECT ?")

    def last_change(self) -> str:
        """The number of the last load of a target that changed any of its rows."""
        own = self._own
        counts = " + ".join(own(name) for name in ("inserted", "updated", "deleted"))
        return f"SELECT COALESCE(max({own('number')}), 0) FROM {self._name} WHERE {own('target')} = ? AND {counts} > 0"

    def is_known(self) -> str:
        """Whether a (target, batch) was loaded."""
        return f"SELECT 1 FROM {self._name} WHERE {self._own('target')} = ? AND {self._own('batch_id')} = ? LIMIT 1"

    def next_number(self) -> str:
        """The number of the next load of a target."""
        number = self._own("number")
        return f"SELECT COALESCE(max({number}), 0) + 1 FROM {self._name} WHERE {self._own('target')} = ?"

    def write(self) -> Step:
        """One load, in the order of `LEDGER_COLUMNS`."""
        columns = ", ".join(self._own(each.name) for each in LEDGER_COLUMNS)
        marks = ", ".join("?" for _ in LEDGER_COLUMNS)
        return Step("ledger", f"INSERT INTO {self._name} ({columns}) VALUES ({marks})")

    def prune(self) -> Step:
        """Loads of a target below a number."""
        # The last load of each source stays, whatever its number: it holds the cursor. So does the last change.
        own, name = self._own, self._name
        last = f"SELECT max({own('number')}) FROM {name} WHERE {own('target')} = ? GROUP BY {own('source')}"
        return Step(
            "prune",
            f"DELETE FROM {name} WHERE {own('target')} = ? AND {own('number')} < ? AND {own('number')} NOT IN ({last})"
            f" AND {own('number')} <> ({self.last_change()})",
        )
