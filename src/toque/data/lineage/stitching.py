"""Steps stitched together: from a field of a CRM back through syncs, models and loads to the columns of the sources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import msgspec

from toque.data.lineage.steps import HOW, ColumnLineage, How, Step, Via
from toque.errors import NotFound


class ColumnName(NamedTuple):
    """A column of a table."""

    table: str
    column: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"


class Hop(msgspec.Struct, frozen=True):
    """One link between two columns."""

    source: ColumnName
    target: ColumnName
    how: How
    via: Via
    by: str
    depth: int
    """1 for what the asked column is made of directly, and so on."""


class Origin(msgspec.Struct, frozen=True):
    """Where a column comes from, or where it goes to, in the end."""

    column: ColumnName
    hops: tuple[Hop, ...]
    ends: tuple[ColumnName, ...]
    """The columns that nothing more is known to lie behind (or after): those of the sources."""
    unknown: tuple[tuple[ColumnName, str], ...]
    """Columns on the way whose origin is not wholly known, and why."""


class Lineage:
    """All steps of a project as one graph of columns and one of tables. Names are found in any case.

    Built once from steps and never changed; a table that several steps write has all their origins.
    """

    def __init__(self, steps: Iterable[Step]) -> None:
        self.steps = tuple(steps)
        self._names: dict[tuple[str, str], ColumnName] = {}
        self._above: dict[ColumnName, list[tuple[ColumnName, How, Step]]] = defaultdict(list)
        self._below: dict[ColumnName, list[tuple[ColumnName, How, Step]]] = defaultdict(list)
        self._unknown: dict[ColumnName, str] = {}
        self._problems: dict[str, str] = {}
        for step in self.steps:
            if step.problem:
                self._problems[step.target.casefold()] = step.problem
            for column in step.columns:
                self._add(step, column)

    def _add(self, step: Step, column: ColumnLineage) -> None:
        target = self._known(step.target, column.name)
        if column.unknown:
            self._unknown[target] = column.unknown
        for source in column.sources:
            above = self._known(source.table, source.column)
            self._above[target].append((above, source.how, step))
            self._below[above].append((target, source.how, step))

    def _known(self, table: str, column: str) -> ColumnName:
        return self._names.setdefault((table.casefold(), column.casefold()), ColumnName(table, column))

    @property
    def columns(self) -> tuple[ColumnName, ...]:
        """Every column that some step reads or writes."""
        return tuple(sorted(self._names.values()))

    @property
    def unknown(self) -> tuple[tuple[ColumnName, str], ...]:
        """All columns whose origin is not wholly known, and why; `*` for tables of which nothing is known."""
        whole = ((ColumnName(step.target, "*"), step.problem) for step in self.steps if step.problem and step.target)
        return tuple(sorted([*self._unknown.items(), *whole]))

    def find(self, name: str) -> ColumnName:
        """The column of this name, such as `crm.Contact.Lead_Score__c`. Raises `NotFound`."""
        table, _, column = name.rpartition(".")
        found = self._names.get((table.casefold(), column.casefold()))
        if found is not None:
            return found
        if table.casefold() in self._problems:
            return ColumnName(table, column)
        ending = [known for known in self._names.values() if f".{known}".casefold().endswith(f".{name}".casefold())]
        if len(ending) == 1:
            return ending[0]
        same = sorted(str(known) for known in self._names.values() if known.column.casefold() == column.casefold())
        raise NotFound(
            f"Nothing is known of a column {name!r}." if not ending else f"{name!r} may be one of several columns.",
            fix="one of " + ", ".join(same[:10]) if same else "its full name, <connection>.<table>.<column>",
        )

    def upstream(self, name: str) -> Origin:
        """All that a column is made of, back to the sources."""
        return self._walk(self.find(name), "up")

    def downstream(self, name: str) -> Origin:
        """All that is made of a column."""
        return self._walk(self.find(name), "down")

    def tables(self) -> dict[str, tuple[str, ...]]:
        """Each table that is written, with the tables that it is made of."""
        found: dict[str, dict[str, None]] = {}
        for step in self.steps:
            if step.target:
                found.setdefault(step.target, {}).update(dict.fromkeys(step.inputs))
        return {target: tuple(inputs) for target, inputs in found.items()}

    def _walk(self, start: ColumnName, way: Literal["up", "down"]) -> Origin:
        hops: dict[tuple[ColumnName, ColumnName], Hop] = {}
        depths = {start: 0}
        queue = [start]
        for here in queue:  # grows while it is walked: breadth first
            for there, how, step in self._links(here, way):
                source, target = (there, here) if way == "up" else (here, there)
                hop = Hop(source, target, how, step.via, step.by, depths[here] + 1)
                known = hops.get((source, target))
                if known is None or HOW.index(known.how) < HOW.index(how):
                    hops[source, target] = hop
                if there not in depths:
                    depths[there] = depths[here] + 1
                    queue.append(there)
        ends = tuple(sorted(column for column in queue[1:] if not any(self._links(column, way))))
        return Origin(start, tuple(hops.values()), ends, tuple(self._unknown_among(queue)) if way == "up" else ())

    def _links(self, column: ColumnName, way: Literal["up", "down"]) -> list[tuple[ColumnName, How, Step]]:
        return (self._above if way == "up" else self._below).get(column, [])

    def _unknown_among(self, columns: list[ColumnName]) -> Iterator[tuple[ColumnName, str]]:
        for column in columns:
            if why := self._unknown.get(column) or self._problems.get(column.table.casefold()):
                yield column, why


def as_text(origin: Origin) -> str:
    """What `upstream` found, as a tree of lines; a column that was shown before is not unfolded again."""
    above: dict[ColumnName, list[Hop]] = defaultdict(list)
    for hop in origin.hops:
        above[hop.target].append(hop)
    unknown = dict(origin.unknown)
    lines: list[str] = []
    seen: set[ColumnName] = set()

    def show(column: ColumnName, indent: int, said: str) -> None:
        again = column in seen and above.get(column)
        why = f"  unknown: {unknown[column]}" if column in unknown else ""
        lines.append("  " * indent + str(column) + said + (" …" if again else why))
        if not again:
            seen.add(column)
            for hop in above.get(column, ()):
                by = f" by {hop.by}" if hop.by else ""
                show(hop.source, indent + 1, f"  ({hop.via}{by}{'' if hop.how == 'identity' else ', ' + hop.how})")

    show(origin.column, 0, "")
    return "\n".join(lines)
