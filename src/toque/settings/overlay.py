"""One table of settings laid over another: a profile over the file, the environment over both."""

from __future__ import annotations

from typing import Any

Table = dict[str, Any]


def overlaid(below: Table, above: Table) -> Table:
    """Tables merge, everything else replaces. An inline secret replaces a whole table."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merges = isinstance(old, dict) and isinstance(value, dict) and "secret" not in old and "secret" not in value
        merged[key] = overlaid(old, value) if merges else value  # type: ignore[arg-type]
    return merged
