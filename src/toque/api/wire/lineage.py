"""Lineage of columns: what each is made of, and what is made of it."""

from __future__ import annotations

from typing import Literal

from toque.api.wire.assets import Severity
from toque.api.wire.model import Wire

How = Literal["identity", "transformation", "aggregation"]
Via = Literal["sql", "load", "sync", "dbt", "python"]


class ColumnRef(Wire):
    """A column of an asset."""

    asset: str
    column: str


class ColumnMade(Wire):
    """One way in which a column is made."""

    via: Via
    by: str
    """The task or dbt model; "" where it is not known."""
    file: str
    line: int
    """0: not known."""
    expression: str
    """What is done to its sources, as SQL; "" where one is taken as it is."""


class LineageColumn(ColumnRef):
    """A column on a path."""

    made: list[ColumnMade]
    unknown: str
    """Why its origin is not wholly known; "" where it is."""
    is_end: bool
    """Nothing more is known to lie behind it."""


class LineageHop(Wire):
    """`target` is made of `source`."""

    source: ColumnRef
    target: ColumnRef
    how: How


class ColumnPaths(Wire):
    """A column, with all that it is made of and all that is made of it."""

    column: ColumnRef
    columns: list[LineageColumn]
    """The column itself first."""
    hops: list[LineageHop]
    is_cut: bool
    """There is more than the asked depth."""
    unknown_count: int
    """Columns among these whose origin is not wholly known."""


class ColumnCheck(Wire):
    """How a check of a column went when it was last made."""

    check: str
    passed: bool
    severity: Severity
    failed_rows: int
    at_us: int


class ColumnDetail(Wire):
    """A column of an asset."""

    name: str
    type: str
    """"" while nothing was made, or where nobody says."""
    doc: str
    checks: list[ColumnCheck]
    made: list[ColumnMade]
    upstream: list[ColumnRef]
    """What it is made of directly."""
    downstream: list[ColumnRef]
    unknown: str
    """Why its origin is not wholly known; "" where it is."""


class AssetColumns(Wire):
    """The columns of an asset."""

    asset: str
    columns: list[ColumnDetail]
    unknown_count: int
    problem: str
    """Why nothing is known of where its columns come from; ""."""
