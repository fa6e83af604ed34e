"""A store as the first release wrote it: revision 0001, in which a run's trigger was no column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from toque.engine.rows import RunRow, TaskRow
from toque.store import migrations
from toque.store.sql import schema
from toque.store.sql.codec import RowCodec
from toque.store.sql.commit import TASK

RUN = RowCodec(
    replace(schema.RUNS, columns=tuple(column for column in schema.RUNS.columns if column.name != "trigger")), RunRow
)


def make(url: str, runs: Sequence[RunRow], tasks: Sequence[TaskRow]) -> None:
    """Create it with these rows."""
    engine = migrations._sqlite_engine(url) if url.startswith("sqlite:") else migrations._postgresql_engine(url)
    config = Config()
    config.set_main_option("script_location", str(migrations.SCRIPTS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for table, names, values in (
            ("runs", RUN.names, [*map(RUN.encode, runs)]),
            ("tasks", TASK.names, [*map(TASK.encode, tasks)]),
        ):
            marks = ", ".join(f":{name}" for name in names)
            statement = sa.text(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})")
            connection.execute(statement, [dict(zip(names, row, strict=True)) for row in values])
