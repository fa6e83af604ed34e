"""The command line of dbt, and the environment that it runs in."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from toque.errors import UserError

_CHILD: Final = str(Path(__file__).with_name("child.py"))
_ENVIRONMENT: Final = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
    "DO_NOT_TRACK": "1",
    "DBT_LOG_LEVEL_FILE": "none",
    "DBT_VERSION_CHECK": "0",
    "DBT_USE_COLORS": "0",
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a command of dbt works."""

    project: Path
    """Of dbt: it holds `dbt_project.yml`."""
    workdir: Path
    """From which it is started."""
    target: Path
    """Where it writes; its own for each run."""
    profiles: Path | None = None
    """Directory of a profile made for it; None: dbt looks for the project's own."""
    profile: str = ""
    """Name of a profile of the project's own."""
    target_name: str = ""
    environment: Mapping[str, str] | None = None


def command(verb: str, place: Place, *more: str) -> list[str]:
    """`dbt build` and the like, as one word each."""
    chosen = [*_given("--profile", place.profile), *_given("--target", place.target_name)]
    return [
        *(sys.executable, "-P", _CHILD, str(os.getpid()), verb),
        *("--project-dir", str(place.project), "--target-path", str(place.target), "--log-path", str(place.target)),
        *_given("--profiles-dir", str(place.profiles or "")),
        *chosen,
        *("--log-format", "json", "--log-level", "debug"),
        *more,
    ]


def environment_of(place: Place) -> dict[str, str]:
    """Of this process, with what dbt is told by the environment: secrets, and to call nobody."""
    return {**os.environ, **_ENVIRONMENT, **(place.environment or {})}


def variables(values: Mapping[str, Any]) -> list[str]:
    """`--vars`, if there are any."""
    return ["--vars", msgspec.json.encode(dict(values), order="deterministic").decode()] if values else []


def selection(select: Sequence[str], exclude: Sequence[str], indirect: str) -> list[str]:
    """What is selected, in dbt's own grammar."""
    chosen = [*(("--select", *select) if select else ()), *(("--exclude", *exclude) if exclude else ())]
    return [*chosen, *_given("--indirect-selection", indirect)]


def require_dbt(adapter: str) -> None:
    """Raise `UserError` if dbt or its adapter is not installed; "" for the adapter that a profile of its own names."""
    for module, extra in (("dbt.cli", "dbt"), (f"dbt.adapters.{adapter}", f"dbt-{adapter}"))[: 2 if adapter else 1]:
        try:
            found = importlib.util.find_spec(module) is not None
        except ModuleNotFoundError:
            found = False
        if not found:
            what = "dbt is not installed" if extra == "dbt" else f"dbt's adapter for {adapter} is not installed"
            raise UserError(what, fix="pip install 'toque[dbt]'" if extra == "dbt" else f"pip install {extra}")


def _given(option: str, value: str) -> list[str]:
    return [option, value] if value else []
