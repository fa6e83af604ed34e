"""The names of the pipelines that a file seems to define, read from its text: what is missing until it loads.

A guess for people. The file may be no Python at all at the moment, so that nothing is parsed: a decorator and the
function below it are looked for, as anybody would who opens the file.
"""

from __future__ import annotations

import re
from pathlib import Path

_DECORATED = re.compile(
    r"^@(?:\w+\.)?(?:pipeline|flow)\b(?P<options>[^\n]*(?:\n(?![@ \t]*(?:async\s+)?def\s)[^\n]*)*?)"
    r"\n\s*(?:async\s+)?def\s+(?P<function>\w+)",
    re.MULTILINE,
)
_NAME = re.compile(r"""\bname\s*=\s*(["'])(?P<name>[^"'\n]+)\1""")


def outline(text: str) -> list[str]:
    """Names of pipelines and flows, in the order of the file."""
    found: dict[str, None] = {}
    for match in _DECORATED.finditer(text):
        named = _NAME.search(match["options"])
        found[named["name"] if named else match["function"]] = None
    return list(found)


def outline_of(file: Path) -> list[str]:
    """Of a file that may be gone by now, or no text."""
    try:
        return outline(file.read_text(errors="replace"))
    except OSError:
        return []
