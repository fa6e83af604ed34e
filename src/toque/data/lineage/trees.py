"""What lineage found, as a tree of lines: each column with how it is made, below it what it is made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, TypeVar

from toque.data.lineage.stitching import ColumnName, Made, Origin

N = TypeVar("N")
Way = Literal["up", "down"]


def column_tree(origin: Origin, way: Way = "up") -> list[str]:
    """A column, and behind it all that it is made of, or that is made of it."""
    behind: dict[ColumnName, list[ColumnName]] = defaultdict(list)
    for hop in origin.hops:
        here, there = (hop.target, hop.source) if way == "up" else (hop.source, hop.target)
        behind[here].append(there)
    unknown = dict(origin.unknown)

    def said(column: ColumnName) -> str:
        made = [_how(each) for each in origin.made.get(column, ())]
        why = f"unknown: {unknown[column]}" if column in unknown else ""
        rest = "; ".join(filter(None, [*dict.fromkeys(made), why]))
        return f"{column}  ({rest})" if rest else str(column)

    return list(_lines(origin.column, behind, said))


def table_tree(start: str, tables: Mapping[str, Sequence[str]], way: Way = "up", depth: int | None = None) -> list[str]:
    """A table, and behind it all that it is made of, or that is made of it. `tables`: inputs by table."""
    behind: dict[str, list[str]] = defaultdict(list)
    for target, inputs in tables.items():
        for source in inputs:
            here, there = (target, source) if way == "up" else (source, target)
            behind[here].append(there)
    return list(_lines(start, behind, str, depth))


def _lines(
    start: N, behind: Mapping[N, Sequence[N]], said: Callable[[N], str], depth: int | None = None
) -> Iterator[str]:
    """Depth first; what was shown before is not unfolded again."""
    seen: set[N] = set()
    stack = [(start, 0)]
    while stack:
        each, indent = stack.pop()
        again = each in seen and bool(behind.get(each))
        cut = depth is not None and indent >= depth
        yield "  " * indent + (f"{each} …" if again else said(each))
        if not again and not cut:
            seen.add(each)
            stack += [(below, indent + 1) for below in reversed(behind.get(each, ()))]


def _how(made: Made) -> str:
    place = (f"{made.file}:{made.line}" if made.line else made.file) if made.file else ""
    who = " ".join(filter(None, (made.via, made.by)))
    return ", ".join(filter(None, (who, place))) + (f": {made.expression}" if made.expression else "")
