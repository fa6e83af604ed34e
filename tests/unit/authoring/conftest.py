"""Small files, loaded as a project's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from toque.authoring import checks, loader
from toque.authoring.loader import Runnable
from toque.errors import UserError

Write = Callable[..., Path]
Refused = Callable[[str], str]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """An empty project; what is imported from it is forgotten afterwards."""
    (tmp_path / "toque.toml").write_text("")
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]
    sys.path[:] = [entry for entry in sys.path if entry != str(tmp_path)]


@pytest.fixture
def write(project: Path) -> Write:
    """Write a file of the project."""

    def write(source: str, name: str = "flows.py") -> Path:
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source).lstrip("\n"))
        return path

    return write


@pytest.fixture
def load(project: Path, write: Write) -> Callable[[str], list[Runnable]]:
    """Write `flows.py` and load it."""
    return lambda source: loader.load_file(write(source), project)


@pytest.fixture
def refused(load: Callable[[str], list[Runnable]]) -> Refused:
    """The whole text of the error that loading a file gives."""

    def refused(source: str) -> str:
        with pytest.raises(UserError) as caught:
            load(source)
        return str(caught.value)

    return refused


@pytest.fixture
def found(load: Callable[[str], list[Runnable]]) -> Callable[[str], list[str]]:
    """The texts of what `toque check` finds in a file."""
    return lambda source: [
        f"{finding.severity} {finding}" for runnable in load(source) for finding in checks.check(runnable)
    ]
