"""The documentation that dbt generates of a project: made at the end of a build, kept where the server finds it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from toque.integrations.dbt import commands, kept
from toque.integrations.dbt.events import Said
from toque.integrations.dbt.process import started
from toque.worker.context import Context

_PAGE: Final = "static_index.html"
"""With manifest and catalog in it: it asks nobody for anything."""


def generate(home: Path, path: str, place: commands.Place, values: Mapping[str, Any], here: Context) -> None:
    """Have dbt generate the docs of what was just built. That it fails is said in the log: the data is there."""
    command = commands.command("docs", place, *commands.variables(values))
    command.insert(command.index("docs") + 1, "generate")
    command.append("--static")
    with started(command, place) as process:
        for event in process.events():
            if isinstance(event, Said) and event.level != "debug":
                here.log.line("log", event.text, level=event.level, logger="dbt")
    if process.code != 0:
        here.log.line("log", f"dbt docs generate ended with code {process.code}", level="warning")
        return
    target = page(home, path)
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_suffix(f".{os.getpid()}.tmp")
    shutil.copyfile(place.target / _PAGE, scratch)
    scratch.replace(target)


def page(home: Path, path: str) -> Path:
    """Where the docs of the project at `path` are kept."""
    return home / "docs" / f"{kept.slug(path)}.html"
