"""The words by which a run is found: its pipeline and the scalars among its parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from toque.engine.rows import RunRow

MOST_WORDS = 32
"""Of one run. More parameters than that are not searched."""
LONGEST = 64
"""Characters of a word that are kept."""
BRANCHES = 8
"""Words that a search follows."""
LAST = "\U0010ffff"
"""No text that begins with `prefix` sorts after `prefix + LAST`."""


def words_of(run: RunRow) -> list[str]:
    """Lower case, each once: the pipeline, and for each scalar parameter `value` and `name=value`."""
    found = [run.pipeline]
    for name, value in run.parameters.items():
        text = _text(value)
        if text is not None:
            found += [text, f"{name}={text}"]
    words = dict.fromkeys(map(folded, found))
    return [word for word in words if word][:MOST_WORDS]


def folded(text: str) -> str:
    """As words and what is searched for are compared. (PostgreSQL has no text with a NUL.)"""
    return text.lower().replace("\0", "")[:LONGEST].strip()


def chosen(words: Iterable[str], prefix: str) -> list[str]:
    """The first words that begin with `prefix`."""
    return sorted({word for word in words if word.startswith(prefix)})[:BRANCHES]


def _text(value: Any) -> str | None:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case {"$": "date" | "datetime" | "time" | "Decimal" | "UUID" | "Path" | "enum", "v": str(text)}:
            return text
        case _:
            return None
