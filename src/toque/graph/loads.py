"""Loads in the IR: how rows of a source become rows of a table, as values."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from toque.errors import UserError
from toque.graph.value import IRValue

Deletes: TypeAlias = Literal["hard", "soft", "ignore"]
"""What a delete of the source does: removes the row, marks it in `_toque_deleted`, or nothing."""

Drift: TypeAlias = Literal["evolve", "freeze", "reject"]
"""What another schema does: the table follows it, what is new is left out, or the load fails."""


class Mode(IRValue, frozen=True, tag_field="mode"):
    """What all modes share. A key is a column, or several as a tuple."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that tell rows apart; () when rows have no identity."""
        key: str | tuple[str, ...] = getattr(self, "key", ())
        return (key,) if isinstance(key, str) and key else tuple(key)


class Append(Mode, frozen=True, tag="append"):
    """Rows are added, never changed. With a key, a row whose key is there already is left out; deletes do nothing."""

    key: str | tuple[str, ...] = ""


class Upsert(Mode, frozen=True, tag="upsert"):
    """The newest version of each key stays. Deletes do nothing."""

    key: str | tuple[str, ...]


class Merge(Mode, frozen=True, tag="merge"):
    """The newest version of each key stays, and what the source deletes is deleted."""

    key: str | tuple[str, ...]
    deletes: Deletes = "hard"


class Scd2(Mode, frozen=True, tag="scd2"):
    """Each version of each key stays, with the span in which it held: `valid_from`, `valid_to`, `is_current`.

    A delete ends the span of the current version.
    """

    key: str | tuple[str, ...]


SCD2_COLUMNS: Final = ("valid_from", "valid_to", "is_current")
"""What `Scd2` adds to the columns of the source."""


class Replace(Mode, frozen=True, tag="replace"):
    """A full refresh: afterwards the table holds the rows that were read last and no others."""


AnyMode: TypeAlias = Append | Upsert | Merge | Scd2 | Replace


class Contract(IRValue, frozen=True):
    """What becomes of a load whose rows have another schema than its table."""

    on_drift: Drift = "evolve"


class TableName(IRValue, frozen=True):
    """A table, as its parts; how they are quoted is the dialect's."""

    name: str
    schema: str = ""
    """"": the one that the connection is in."""
    catalog: str = ""

    @classmethod
    def parse(cls, text: str) -> TableName:
        """`contact`, `raw.contact` or `lake.raw.contact`."""
        parts = text.split(".")
        if not all(parts) or len(parts) > 3:
            raise UserError(f"{text!r} is no name of a table", fix='"schema.table", as in "raw.contact"')
        catalog, schema, name = [""] * (3 - len(parts)) + parts
        return cls(name=name, schema=schema, catalog=catalog)

    def __str__(self) -> str:
        return ".".join(part for part in (self.catalog, self.schema, self.name) if part)

    def sibling(self, name: str) -> TableName:
        """Another table beside this one."""
        return TableName(name=name, schema=self.schema, catalog=self.catalog)


class LoadSpec(IRValue, frozen=True, kw_only=True):
    """Everything about a load but where its rows come from and which warehouse takes them."""

    table: TableName
    mode: AnyMode
    contract: Contract = Contract()
