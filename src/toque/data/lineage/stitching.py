"""Steps stitched together: from a field of a CRM back through syncs, models and loads to the columns of the sources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
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


class Made(msgspec.Struct, frozen=True):
    """One way in which a column is made."""

    via: Via
    by: str
    file: str
    line: int
    expression: str
    """What is done to its sources, as SQL; "" where one is taken as it is."""


class Origin(msgspec.Struct, frozen=True):
    """Where a column comes from, or where it goes to, in the end."""

    column: ColumnName
    hops: tuple[Hop, ...]
    ends: tuple[ColumnName, ...]
    """The columns that nothing more is known to lie behind (or after): those of the sources."""
    unknown: tuple[tuple[ColumnName, str], ...]
    """Columns on the way whose origin is not wholly known, and why."""
    made: dict[ColumnName, tuple[Made, ...]] = {}
    """How each column on the way is made; absent for those of the sources."""
    is_cut: bool = False
    """There is more behind what was walked."""


class Lineage:
    """All steps of a project as one graph of columns and one of tables. Names are found in any case.

    Built once from steps and never changed; a table that several steps write has all their origins.
    """

    def __init__(self, steps: Iterable[Step]) -> None:
        self.steps = tuple(steps)
        self._names: dict[tuple[str, str], ColumnName] = {}
        self._above: dict[ColumnName, list[tuple[ColumnName, How, Step]]] = defaultdict(list)
        self._below: dict[ColumnName, list[tuple[ColumnName, How, Step]]] = defaultdict(list)
        self._made: dict[ColumnName, list[Made]] = defaultdict(list)
        self._of_table: dict[str, list[ColumnName]] = defaultdict(list)
        self._unknown: dict[ColumnName, str] = {}
        self._problems: dict[str, str] = {}
        self.docs: dict[ColumnName, str] = {}
        """What authors say about columns."""
        for step in self.steps:
            if step.problem:
                self._problems[step.target.casefold()] = step.problem
            for column in step.columns:
                self._add(step, column)

    def _add(self, step: Step, column: ColumnLineage) -> None:
        target = self._known(step.target, column.name)
        self._made[target].append(Made(step.via, step.by, step.file, step.line, column.expression))
        if column.unknown:
            self._unknown[target] = column.unknown
        if column.doc:
            self.docs[target] = column.doc
        for source in column.sources:
            above = self._known(source.table, source.column)
            self._above[target].append((above, source.how, step))
            self._below[above].append((target, source.how, step))

    def _known(self, table: str, column: str) -> ColumnName:
        found = self._names.get((table.casefold(), column.casefold()))
        if found is None:
            found = self._names[table.casefold(), column.casefold()] = ColumnName(table, column)
            self._of_table[table.casefold()].append(found)
        return found

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
        same = same or sorted(str(known) for known in self._of_table.get(table.casefold(), ()))
        raise NotFound(
            f"Nothing is known of a column {name!r}." if not ending else f"{name!r} may be one of several columns.",
            fix="one of " + ", ".join(same[:10]) if same else "its full name, <connection>.<table>.<column>",
        )

    def upstream(self, name: str, depth: int | None = None) -> Origin:
        """All that a column is made of, back to the sources, or so many steps back."""
        return self._walk(self.find(name), "up", depth)

    def downstream(self, name: str, depth: int | None = None) -> Origin:
        """All that is made of a column."""
        return self._walk(self.find(name), "down", depth)

    def columns_of(self, table: str) -> tuple[ColumnName, ...]:
        """Those that some step reads or writes, in the order in which they were met."""
        return tuple(self._of_table.get(table.casefold(), ()))

    def next_to(self, column: ColumnName, way: Literal["up", "down"]) -> tuple[ColumnName, ...]:
        """The columns that it is made of directly, or that are."""
        return tuple(dict.fromkeys(there for there, _, _ in self._links(column, way)))

    def made(self, column: ColumnName) -> tuple[Made, ...]:
        """How it is made; () for one of a source."""
        return tuple(self._made.get(column, ()))

    def why_unknown(self, column: ColumnName) -> str:
        """Why its origin is not wholly known; "" where it is. The column `*` stands for all of a table."""
        return self._unknown.get(column) or self._problems.get(column.table.casefold(), "")

    def tables(self) -> dict[str, tuple[str, ...]]:
        """Each table that is written, with the tables that it is made of."""
        found: dict[str, dict[str, None]] = {}
        for step in self.steps:
            if step.target:
                found.setdefault(step.target, {}).update(dict.fromkeys(step.inputs))
        return {target: tuple(inputs) for target, inputs in found.items()}

    def _walk(self, start: ColumnName, way: Literal["up", "down"], most: int | None) -> Origin:
        hops: dict[tuple[ColumnName, ColumnName], Hop] = {}
        depths = {start: 0}
        queue = [start]
        is_cut = False
        for here in queue:  # grows while it is walked: breadth first
            links = self._links(here, way)
            if most is not None and depths[here] >= most:
                is_cut = is_cut or bool(links)
                continue
            for there, how, step in links:
                source, target = (there, here) if way == "up" else (here, there)
                hop = Hop(source, target, how, step.via, step.by, depths[here] + 1)
                known = hops.get((source, target))
                if known is None or HOW.index(known.how) < HOW.index(how):
                    hops[source, target] = hop
                if there not in depths:
                    depths[there] = depths[here] + 1
                    queue.append(there)
        ends = tuple(sorted(column for column in queue[1:] if not any(self._links(column, way))))
        made = {column: self.made(column) for column in queue if column in self._made}
        unknown = tuple((column, why) for column in queue if (why := self.why_unknown(column))) if way == "up" else ()
        return Origin(start, tuple(hops.values()), ends, unknown, made, is_cut)

    def _links(self, column: ColumnName, way: Literal["up", "down"]) -> list[tuple[ColumnName, How, Step]]:
        return (self._above if way == "up" else self._below).get(column, [])
