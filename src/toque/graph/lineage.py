"""How the columns of an asset are made, in the IR: what whoever makes it can say without having made it."""

from __future__ import annotations

from typing import TypeAlias

from toque.graph.value import IRValue


class ColumnOrigins(IRValue, frozen=True, tag_field="by"):
    """What all ways share."""


class Copied(ColumnOrigins, frozen=True, tag="copy"):
    """Each column is the one of the same name of `source`: a load."""

    source: str
    """Key of an asset."""
    own: tuple[str, ...] = ()
    """Columns that the load adds itself, beside those that begin with `_toque_`."""


class Mapped(ColumnOrigins, frozen=True, tag="fields"):
    """Each field is one column of `source`: a sync."""

    source: str
    """Key of an asset."""
    fields: dict[str, str]
    """Field by column: what is mapped, and what finds the record."""
    into: str = ""
    """Key of the asset that has these fields, where the sync itself goes by another one."""


class Stated(ColumnOrigins, frozen=True, tag="stated"):
    """What the author says."""

    columns: dict[str, tuple[str, ...]]
    """By column, the columns that it is made of: `warehouse.raw.orders.amount`. None: a constant, or a count."""


class Queried(ColumnOrigins, frozen=True, tag="sql"):
    """The columns of a query."""

    sql: str
    dialect: str = "duckdb"


class Compiled(ColumnOrigins, frozen=True, tag="dbt"):
    """The columns of a model as dbt compiled it."""

    manifest: str
    """`manifest.json`, relative to the project."""
    node: str
    """Its unique id: `model.shop.scores`."""


AnyColumnOrigins: TypeAlias = Copied | Mapped | Stated | Queried | Compiled
