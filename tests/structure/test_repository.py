"""What must fit together in the repository beside the code."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

from tests.structure import measure

PROJECT = tomllib.loads((measure.ROOT / "pyproject.toml").read_text())["project"]


def required() -> set[str]:
    """Names of all distributions that the project asks for, in any extra."""
    lines = [*PROJECT["dependencies"], *(line for extra in PROJECT["optional-dependencies"].values() for line in extra)]
    names = {re.split(r"[\s\[<>=!;~]", line, maxsplit=1)[0].lower() for line in lines}
    return names - {PROJECT["name"]}


def test_every_dependency_is_locked() -> None:
    lock = (measure.ROOT / "requirements" / "dev.txt").read_text()
    locked = set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", lock, re.MULTILINE))
    assert required() <= locked, f"run make lock: {required() - locked}"


def test_the_lock_names_versions_and_no_places() -> None:
    lock = (measure.ROOT / "requirements" / "dev.txt").read_text()
    lines = [line for line in lock.splitlines() if line and not line.lstrip().startswith("#")]
    assert not [line for line in lines if "==" not in line]
    assert "://" not in lock


def test_ci_runs_what_everybody_runs() -> None:
    script = measure.ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().rstrip().endswith("exec make test")


def test_every_target_of_the_makefile_says_what_it_is_for() -> None:
    text = (measure.ROOT / "Makefile").read_text()
    targets = {"setup", "demo", "test", "check", "bench", "chaos", "soak", "dist", "fmt"}
    explained = set(re.findall(r"^([a-z]+):.*##", text, re.MULTILINE))
    assert targets <= explained


def test_nothing_generated_is_tracked() -> None:
    generated = {".toque", "__pycache__", "dist", "out", ".venv", "node_modules"}
    assert not [path for path in measure.tracked() if generated & set(Path(path).parts)]
