"""The tables that only pages read. They are written when a run is created, ends or is deleted, never in between."""

from __future__ import annotations

from toque.engine.states import RunState
from toque.store.sql.declared import Column, Index, Table

RUN_SUMMARIES = Table(
    name="run_summaries",
    key=("run_id",),
    clustered=False,
    columns=(Column("run_id"), Column("tasks", "int"), Column("data", "bytes")),
)
"""Counts and times by task of each ended run: a grid reads one row for a run and not all of its task runs."""

RUN_COUNTS = Table(
    name="run_counts",
    key=("pipeline", "at_us", "state"),
    columns=(
        Column("pipeline"),
        Column("at_us", "int"),
        Column("state", enum=RunState),
        Column("runs", "int"),
        Column("tasks", "int"),
    ),
)
"""How many runs ended, by quarter of an hour of their logical time; under `EVER` since the beginning. Retention does
not touch it: a calendar remembers what was deleted."""
EVER = -1

RUN_WORDS = Table(
    name="run_words",
    key=("word", "run_id"),
    columns=(Column("word"), Column("run_id")),
    indexes=(Index("run_words_by_run", ("run_id",)),),
)
"""By which words a run is found."""
