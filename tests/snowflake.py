"""Snowflake's own connector against an emulator, one for each process of the tests.

What is sent is what Snowflake itself takes. Where the emulator (DuckDB behind Snowflake's protocol) cannot follow:

- `ALTER TABLE … SWAP WITH` is no statement of DuckDB: it is taught below, as three renames. Snowflake swaps in one.
- `DESCRIBE TABLE` does not know temporary tables: it is taught to look for them.
- COPY forgets the quotes of a column: it is taught to keep them, else none may be called `at`.
- `COPY GRANTS` is left out: it has no grants. No test says that grants outlive a swap.
- DDL is part of a transaction there, and Snowflake commits at each: it is taught to refuse what would commit by itself.
- MERGE inside of a transaction, `COPY … FILES =`, and null timestamps in a result (it gives 1970) do not work: the
  first two are not sent, the last is not asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any
from weakref import WeakSet

import pytest


@pytest.fixture(scope="session")
def snowflake_emulator() -> Iterator[dict[str, object]]:
    """Options of the connector for a server in this process."""
    import fakesnow
    import snowflake.connector

    for name in ("fakesnow", "fakesnow.server", "snowflake.connector", "sqlglot", "uvicorn"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as patched:
        _teach_tables(patched)
        _teach_describe(patched)
        _teach_quotes(patched)
        with fakesnow.server() as options:
            given = {**options, "network_timeout": 60}
            with snowflake.connector.connect(**given) as connection:
                connection.execute_string("CREATE DATABASE tests; CREATE SCHEMA tests.public")
            yield {**given, "database": "TESTS", "schema": "PUBLIC"}


def settings_of(emulator: dict[str, object], name: str) -> str:
    """The connection as `toque.toml` has it."""
    plain = (f"{key} = {value!r}" for key, value in emulator.items() if isinstance(value, str | int))
    return "\n".join([f"[connections.{name}]", 'type = "snowflake"', *plain, ""])


def _teach_tables(patched: pytest.MonkeyPatch) -> None:
    from fakesnow.cursor import FakeSnowflakeCursor
    from fakesnow.dialect import parse_one
    from snowflake.connector.errors import ProgrammingError
    from sqlglot import exp

    exploded = FakeSnowflakeCursor._transform_explode
    opened: WeakSet[Any] = WeakSet()

    def explode(self: Any, expression: Any) -> list[Any]:
        if isinstance(expression, exp.Transaction):
            opened.add(self._conn)
        elif isinstance(expression, exp.Commit | exp.Rollback):
            opened.discard(self._conn)
        elif isinstance(expression, exp.Create | exp.Drop | exp.Alter) and self._conn in opened:
            raise ProgrammingError(f"it would commit the transaction that is open: {expression}")
        swap = expression.find(exp.SwapTable) if isinstance(expression, exp.Alter) else None
        if swap is None:
            return exploded(self, expression)
        one, other = expression.this, swap.this
        aside = one.copy()
        aside.set("this", exp.to_identifier("_SWAPPED", quoted=True))
        moves = ((one, aside), (other, one), (aside, other))
        return [parse_one(f"ALTER TABLE {_sql(old)} RENAME TO {_sql(new)}") for old, new in moves]

    patched.setattr(FakeSnowflakeCursor, "_transform_explode", explode)


def _teach_describe(patched: pytest.MonkeyPatch) -> None:
    from string import Template

    from fakesnow.transforms import transforms

    known = (
        "FROM _fs_information_schema._fs_columns\nWHERE table_catalog = '${catalog}' AND table_schema = '${schema}' AND"
    )
    told = (
        "FROM _fs_global._fs_information_schema._fs_columns\n"
        "WHERE (table_catalog = '${catalog}' AND table_schema = '${schema}' OR table_catalog = 'temp') AND"
    )
    given = transforms.SQL_DESCRIBE_TABLE.template
    assert known in given
    patched.setattr(transforms, "SQL_DESCRIBE_TABLE", Template(given.replace(known, told)))


def _teach_quotes(patched: pytest.MonkeyPatch) -> None:
    from fakesnow import copy_into
    from sqlglot import exp

    stripped = copy_into._strip_json_extract

    def strip(select: Any) -> Any:
        found = stripped(select)
        for name in (name for column in found.expressions for name in column.find_all(exp.Identifier)):
            name.set("quoted", True)
        return found

    patched.setattr(copy_into, "_strip_json_extract", strip)


def _sql(table: Any) -> str:
    return str(table.sql(dialect="snowflake"))
