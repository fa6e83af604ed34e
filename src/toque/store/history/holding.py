"""Who a holder of slots is: `run_id/task[index]`, or a run that holds its place among the runs of its pipeline."""

from __future__ import annotations

import re
from typing import NamedTuple

from toque.engine.values import MapIndex

_INDEXED = re.compile(r"(?P<task>.*)\[(?P<index>\d+(?:\.\d+)*)\]", re.DOTALL)


class Held(NamedTuple):
    """The task run behind the name of a holder; `task` is "" for a run."""

    run_id: str
    task: str
    map_index: MapIndex


def parse(holder: str) -> Held:
    """What the name says. A node that is called `x[]` is not an index."""
    run_id, _, key = holder.partition("/")
    if found := _INDEXED.fullmatch(key):
        return Held(run_id, found["task"], parse_index(found["index"]))
    return Held(run_id, key, ())


def parse_index(text: str) -> MapIndex:
    """The map index that is written `3.1`."""
    return tuple(map(int, text.split(".")))
