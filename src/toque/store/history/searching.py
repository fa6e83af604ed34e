"""What a search among the task runs of a run means: part of a task's name, or a map index."""

from __future__ import annotations

import re
from typing import NamedTuple

from toque.engine.values import MapIndex
from toque.store.history.holding import parse_index

_INDEX = re.compile(r"\[?(\d+(?:\.\d+)*)\]?")
_LARGEST = 2**32 - 1
"""Position that a map index can have."""


class TaskSearch(NamedTuple):
    """Either of them, or neither."""

    text: str = ""
    """In small ASCII letters."""
    path: MapIndex = ()
    """This index, and all that are nested in it."""
    nothing: bool = False
    """No task run can match."""

    def matches(self, task: str, map_index: MapIndex) -> bool:
        """Whether a task run is meant."""
        if self.path and map_index[: len(self.path)] != self.path:
            return False
        return not self.nothing and self.text in small(task)


def parse(search: str) -> TaskSearch:
    """`3.1` and `[3]` are indexes, anything else is text."""
    search = search.strip()
    if found := _INDEX.fullmatch(search):
        index = parse_index(found[1])
        return TaskSearch(path=index, nothing=max(index) > _LARGEST)
    return TaskSearch(text=small(search), nothing="\0" in search)


def small(text: str) -> str:
    """With small ASCII letters, which is what `lower` means to the databases."""
    return "".join(chr(ord(letter) + 32) if "A" <= letter <= "Z" else letter for letter in text)
