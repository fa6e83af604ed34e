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

FILES: Final = ("index.html", "manifest.json", "catalog.json")
"""The page is one file that reads the other two."""


def generate(home: Path, path: str, place: commands.Place, values: Mapping[str, Any], here: Context) -> None:
    """Have dbt generate the docs of what was just built. That it fails is said in the log: the data is there."""
    command = commands.command("docs", place, *commands.variables(values))
    command.insert(command.index("docs") + 1, "generate")
    with started(command, place) as process:
        for event in process.events():
            if isinstance(event, Said) and event.level != "debug":
                here.log.line("log", event.text, level=event.level, logger="dbt")
    if process.code != 0:
        here.log.line("log", f"dbt docs generate ended with code {process.code}", level="warning")
        return
    target = directory(home, path)
    scratch = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for name in FILES:
        shutil.copyfile(place.target / name, scratch / name)
    shutil.rmtree(target, ignore_errors=True)
    scratch.rename(target)


def directory(home: Path, path: str) -> Path:
    """Where the docs of the project at `path` are kept."""
    return home / "docs" / kept.slug(path)
