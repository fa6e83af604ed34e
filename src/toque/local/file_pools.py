"""Pools of files: one process owns a DuckDB file, so whoever uses a connection to one waits for whoever has it open.

The graph claims the connection by its name; which file that is is bound here, by the settings under a profile.
"""

from __future__ import annotations

import os

from toque.settings import Settings


def file_pools(settings: Settings) -> dict[str, str]:
    """The pool of one slot that a claim of a connection means, for those that open a DuckDB file."""
    found = {}
    for name, connection in settings.connections.items():
        path = connection.options.get("path")
        if connection.type == "duckdb" and isinstance(path, str) and not path.startswith(":memory:"):
            found[f"connection:{name}"] = f"duckdb:{os.path.realpath(os.path.join(settings.project, path))}"
    return found
