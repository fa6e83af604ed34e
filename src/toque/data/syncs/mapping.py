"""From columns of a table to fields of a destination: which column gives which field."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toque.data.syncs.canonical import digest
from toque.errors import UserError
from toque.graph.syncs import SyncSpec


@dataclass(frozen=True)
class Mapped:
    """The mapping of one sync, checked against the columns of its table."""

    key: tuple[tuple[str, str], ...]
    """(column, field), in the order of the key."""
    fields: tuple[tuple[str, str], ...]
    """(column, field) of everything else."""

    @property
    def columns(self) -> list[str]:
        """All that must be read, each once."""
        return list(dict.fromkeys(column for column, _ in (*self.key, *self.fields)))

    def key_of(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The key's fields with their values."""
        return {field: row[column] for column, field in self.key}

    def fields_of(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """All other fields with their values."""
        return {field: row[column] for column, field in self.fields}

    @property
    def cleared(self) -> dict[str, Any]:
        """The fields of a record that was emptied."""
        return {field: None for _, field in self.fields}

    @property
    def version(self) -> str:
        """Another one when the mapping is: then each record counts as changed, as it should."""
        return digest({"key": [field for _, field in self.key], "fields": sorted(field for _, field in self.fields)})


def mapped(spec: SyncSpec, columns: Sequence[str]) -> Mapped:
    """Raises `UserError` with the nearest name when a column is not there."""
    if not spec.mode.keys:
        raise UserError(f"the sync {spec.name} has no key", fix="""mode=Upsert("External_Id__c")""")
    found = {_column(spec, name, columns): field for name, field in spec.fields.items()}
    doubled = [field for field in found.values() if list(found.values()).count(field) > 1]
    if doubled:
        raise UserError(f"the sync {spec.name} maps two columns to {doubled[0]!r}")
    by_field = {field: column for column, field in found.items()}
    key = tuple((by_field.get(field) or _column(spec, field, columns), field) for field in spec.mode.keys)
    fields = tuple((column, field) for column, field in found.items() if field not in spec.mode.keys)
    return Mapped(key, fields)


def _column(spec: SyncSpec, name: str, columns: Sequence[str]) -> str:
    exact = [column for column in columns if column == name]
    loose = exact or [column for column in columns if column.casefold() == name.casefold()]
    if loose:
        return loose[0]
    near = difflib.get_close_matches(name, columns, 1)
    hint = f"{near[0]!r}?" if near else f"one of {', '.join(columns)}"
    raise UserError(f"the sync {spec.name} needs the column {name!r}, and {spec.source} has none", fix=hint)
