"""A table against a known-good one: which rows are missing, which are not expected, which differ and where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from toque.data.checks.dialects import Sql, quoted, value
from toque.data.checks.predicates import Rows
from toque.data.checks.queries import SAMPLES
from toque.data.loads.columns import Column, ColumnType, find
from toque.data.loads.drift import is_own
from toque.errors import UserError
from toque.graph.checks import Matches
from toque.graph.loads import TableName

_NUMBERS = frozenset({"int16", "int32", "int64", "decimal", "float32", "float64"})
_TEXTS = frozenset({"text", "json"})
_EXPECTED = " (expected)"
_COUNT, _SIDE, _WHAT = '"_n"', '"_side"', '"_what"'


@dataclass(frozen=True)
class Pair:
    """A column of both tables, by the name that it has in each."""

    ours: str
    theirs: str
    is_number: bool


@dataclass(frozen=True)
class Match:
    """Two tables whose columns are known."""

    check: Matches
    rows: Rows
    pairs: tuple[Pair, ...]
    keys: tuple[Pair, ...]
    differences: tuple[str, ...]
    """Of their columns, in words: then their rows are not compared."""

    def count(self) -> Sql:
        """How many rows differ."""
        return "SELECT COUNT(*) FROM (" + self._different() + ') AS "_differences"'

    def sample(self) -> Sql:
        """Some of them, to be read by `shown`."""
        return "SELECT * FROM (" + self._different() + f') AS "_differences" LIMIT {SAMPLES}'

    def shown(self, found: Sequence[Sequence[Any]]) -> Iterator[dict[str, Any]]:
        """Rows of `sample`, as people read them: of a row that differs its key, and the cells that do."""
        for what, *cells in found:
            if not self.keys:
                count = f", {abs(int(what))} times" if abs(what) > 1 else ""
                names = (pair.ours for pair in self.pairs)
                said = ("missing" if what < 0 else "not expected") + count
                yield {"difference": said, **dict(zip(names, cells, strict=True))}
                continue
            keys, rest = cells[: len(self.keys)], cells[len(self.keys) :]
            row = {"difference": what, **{pair.ours: key for pair, key in zip(self.keys, keys, strict=True)}}
            if what == "differs":
                for pair, ours, theirs in zip(self.values, rest[::2], rest[1::2], strict=True):
                    if ours != theirs:
                        row |= {pair.ours: ours, pair.ours + _EXPECTED: theirs}
            yield row

    def sensitive(self, names: Sequence[str]) -> tuple[str, ...]:
        """Columns of `shown` that nobody sees, if nobody sees these."""
        return (*names, *(name + _EXPECTED for name in names))

    @property
    def values(self) -> tuple[Pair, ...]:
        """What is no key."""
        return tuple(pair for pair in self.pairs if pair not in self.keys)

    def _different(self) -> Sql:
        return self._keyed() if self.keys else Sql(self._bags())

    def _bags(self) -> str:
        names = ", ".join(quoted(pair.ours) for pair in self.pairs)
        theirs = ", ".join(f"{quoted(pair.theirs)} AS {quoted(pair.ours)}" for pair in self.pairs)
        both = (
            f"SELECT {names}, 1 AS {_SIDE} FROM {self._ours()}"
            f" UNION ALL SELECT {theirs}, -1 AS {_SIDE} FROM {self._theirs()}"
        )
        total = f"SUM({_SIDE})"
        return f'SELECT {total} AS {_WHAT}, {names} FROM ({both}) AS "_both" GROUP BY {names} HAVING {total} <> 0'

    def _keyed(self) -> Sql:
        same = " AND ".join(f'"_o".{quoted(pair.ours)} = "_t".{quoted(pair.theirs)}' for pair in self.keys)
        keys = [
            f'COALESCE("_o".{quoted(pair.ours)}, "_t".{quoted(pair.theirs)}) AS {quoted(f"k{at}")}'
            for at, pair in enumerate(self.keys)
        ]
        cells = [
            f'"_o".{quoted(pair.ours)} AS {quoted(f"o{at}")}, "_t".{quoted(pair.theirs)} AS {quoted(f"t{at}")}'
            for at, pair in enumerate(self.values)
        ]
        what = (
            f"CASE WHEN \"_t\".{_COUNT} IS NULL THEN 'not expected' WHEN \"_o\".{_COUNT} IS NULL THEN 'missing'"
            f" WHEN \"_o\".{_COUNT} > 1 OR \"_t\".{_COUNT} > 1 THEN 'the key is not unique' ELSE 'differs' END"
        )
        differs = Sql(f'"_o".{_COUNT} IS NULL OR "_t".{_COUNT} IS NULL OR "_o".{_COUNT} > 1 OR "_t".{_COUNT} > 1')
        for pair in self.values:
            differs += " OR " + self._differs(pair)
        ours = _counted(self._ours(), [pair.ours for pair in self.keys], [pair.ours for pair in self.values])
        theirs = _counted(self._theirs(), [pair.theirs for pair in self.keys], [pair.theirs for pair in self.values])
        chosen = ", ".join([f"{what} AS {_WHAT}", *keys, *cells])
        joined = f'({ours}) AS "_o" FULL JOIN ({theirs}) AS "_t" ON {same}'
        return f"SELECT {chosen} FROM {joined} WHERE " + differs

    def _differs(self, pair: Pair) -> Sql:
        ours, theirs = f'"_o".{quoted(pair.ours)}', f'"_t".{quoted(pair.theirs)}'
        if not (self.check.tolerance and pair.is_number):
            return Sql(f"{ours} IS DISTINCT FROM {theirs}")
        double = self.rows.dialect.types["float64"]
        one, other = (f"CAST({each} AS {double})" for each in (ours, theirs))
        allowed = "CAST(" + value(self.check.tolerance) + f" AS {double})"
        limit = allowed + f" * GREATEST(ABS({one}), ABS({other}), CAST(1 AS {double}))"
        far = f"ABS({one} - {other}) > " + limit
        return f"({ours} IS DISTINCT FROM {theirs} AND ({ours} IS NULL OR {theirs} IS NULL OR " + far + "))"

    def _ours(self) -> str:
        where = f" WHERE ({self.rows.where}\n)" if self.rows.where else ""
        return self.rows.dialect.table(self.rows.table) + where

    def _theirs(self) -> str:
        return self.rows.dialect.table(TableName.parse(self.check.to))


def match_of(check: Matches, rows: Rows, ours: Sequence[Column], theirs: Sequence[Column]) -> Match:
    """The two tables side by side. Raises `UserError` for a table or column that is not there."""
    if not theirs:
        raise UserError(f"There is no table {check.to}, which a check compares with.", fix="make it first")
    for name in check.key:
        if find(ours, name) is None:
            raise UserError(f"{rows.table} has no column {name!r}, which is a key of a check.")
    wanted = check.columns and (*check.key, *check.columns)
    names = list(dict.fromkeys(wanted or (column.name for column in (*theirs, *ours) if not is_own(column.name))))
    pairs: dict[str, Pair] = {}
    differences: list[str] = []
    for name in names:
        mine, good = find(ours, name), find(theirs, name)
        if mine is None and good is None:
            raise UserError(f"{rows.table} has no column {name!r}, which a check compares.")
        if mine is None or good is None:
            differences.append(f"column {name!r} is {'missing' if mine is None else 'not expected'}")
        elif _family(mine.type) != _family(good.type):
            differences.append(f"column {mine.name!r} is {mine.type} instead of {good.type}")
        else:
            pairs[mine.name] = Pair(mine.name, good.name, mine.type.kind in _NUMBERS)
    keys = (find(ours, name) for name in check.key)
    paired = tuple(pairs[each.name] for each in keys if each is not None and each.name in pairs)
    return Match(check, rows, tuple(pairs.values()), paired, tuple(dict.fromkeys(differences)))


def _counted(table: str, keys: Sequence[str], values: Sequence[str]) -> str:
    """The rows, each with how many there are of its key."""
    names = ", ".join(map(quoted, [*keys, *values]))
    return f"SELECT {names}, COUNT(*) OVER (PARTITION BY {', '.join(map(quoted, keys))}) AS {_COUNT} FROM {table}"


def _family(kind: ColumnType) -> str:
    if kind.kind in _NUMBERS:
        return "number"
    return "text" if kind.kind in _TEXTS else kind.kind if kind.kind != "other" else kind.name
