"""Environments: where they lie, when they are made, and what is said when they cannot be."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import toque
from toque.errors import UserError
from toque.graph.ir import CodeRef, Pipeline, TaskNode, TaskPolicy
from toque.local import environments
from toque.local.environments import interpreters, make_needed
from toque.settings import Settings
from toque.settings.tree import Environment

FAKE_PYTHON = """#!{python}
import os, pathlib, sys

_, _, kind, *arguments = sys.argv
log = pathlib.Path({log!r})
if kind == "venv":
    root = pathlib.Path(arguments[0])
    (root / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    (root / "bin").mkdir()
    (root / "bin" / "python").symlink_to(__file__)
else:
    asked = [each for each in arguments[1:] if not each.startswith("-")]
    if any("missing" in each for each in asked):
        print("\\n".join(f"line {{number}}" for number in range(40)))
        sys.exit("ERROR: no matching distribution")
    with log.open("a") as file:
        file.write(" ".join(asked) + "|" + os.environ.get("PYTHONPATH", "-") + "\\n")
"""


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """An interpreter that makes directories and installs nothing."""
    path = tmp_path / "python"
    path.write_text(FAKE_PYTHON.format(python=sys.executable, log=str(tmp_path / "installed")))
    path.chmod(0o755)
    return path


@pytest.fixture
def installed(tmp_path: Path) -> Callable[[], list[str]]:
    """What was installed, one line for each call."""
    log = tmp_path / "installed"
    return lambda: log.read_text().splitlines() if log.exists() else []


def settings(tmp_path: Path, **known: Environment) -> Settings:
    return Settings(
        project=tmp_path / "project", declared=True, name="p", store_url="", blobs_url="", workers=1, environments=known
    )


def asking_for(*names: str) -> Pipeline:
    nodes = [
        TaskNode(id=f"t{at}", code=CodeRef(module="flow", qualname="t"), policy=TaskPolicy(environment=name))
        for at, name in enumerate(names)
    ]
    return Pipeline(name="p", nodes=tuple(nodes))


def made(given: Settings) -> Mapping[str, Path]:
    return {name: Path(python).parents[1] for name, python in interpreters(given).items()}


def test_an_environment_is_found_by_what_it_holds(tmp_path: Path) -> None:
    one = settings(tmp_path, ml=Environment(requirements=("numpy",)))
    same = settings(tmp_path, ml=Environment(requirements=("numpy",)))
    more = settings(tmp_path, ml=Environment(requirements=("numpy", "polars")))
    other = settings(tmp_path, ml=Environment(python="/usr/bin/python3", requirements=("numpy",)))
    assert interpreters(one) == interpreters(same)
    assert len({interpreters(each)["ml"] for each in (one, more, other)}) == 3
    path = Path(interpreters(one)["ml"])
    assert path.parts[-2:] == ("bin", "python")
    assert path.is_relative_to(tmp_path / "project" / ".toque" / "environments")


def test_a_named_interpreter_is_used_as_it_is(tmp_path: Path) -> None:
    given = settings(tmp_path, old=Environment(python="/srv/python3.9/bin/python"))
    assert interpreters(given) == {"old": "/srv/python3.9/bin/python"}


def test_it_is_made_with_what_a_worker_needs_and_this_toque(
    tmp_path: Path, python: Path, installed: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    given = settings(tmp_path, ml=Environment(python=str(python), requirements=("numpy==2.0", "polars")))
    make_needed(asking_for("ml", "ml"), given)
    [line] = installed()
    asked, _, path = line.partition("|")
    assert [each.split("==")[0] for each in asked.split()] == [*environments.WORKER_NEEDS, "numpy", "polars"]
    assert path == "-", "what is on the path of the server is not on that of the installer"
    link = made(given)["ml"] / "lib" / "python3.11" / "site-packages" / "toque"
    assert link.resolve() == Path(toque.__file__).parent.resolve()


def test_it_is_made_once_and_again_when_it_was_not_finished(
    tmp_path: Path, python: Path, installed: Callable[[], list[str]]
) -> None:
    given = settings(tmp_path, ml=Environment(python=str(python), requirements=("numpy",)))
    for _ in range(3):
        make_needed(asking_for("ml"), given)
    assert len(installed()) == 1
    (made(given)["ml"] / "toque-complete").unlink()
    make_needed(asking_for("ml"), given)
    assert len(installed()) == 2


def test_only_what_the_tasks_ask_for_is_made(tmp_path: Path, python: Path, installed: Callable[[], list[str]]) -> None:
    each = {name: Environment(python=str(python), requirements=(name,)) for name in ("a", "b", "c")}
    given = settings(tmp_path, **each)
    make_needed(asking_for("", "b", ""), given)
    assert [name for name, path in made(given).items() if path.exists()] == ["b"]
    make_needed(asking_for(), given)
    assert len(installed()) == 1


def test_what_the_installer_said_last_is_told(tmp_path: Path, python: Path) -> None:
    given = settings(tmp_path, ml=Environment(python=str(python), requirements=("missing-package",)))
    with pytest.raises(UserError, match="environment 'ml' cannot be made") as caught:
        make_needed(asking_for("ml"), given)
    said = caught.value.message.splitlines()[1:]
    assert len(said) == 15
    assert said[-1].strip() == "ERROR: no matching distribution"
    assert "line 39" in caught.value.message
    assert caught.value.fix == "change [environments.ml] of toque.toml"
    assert not (made(given)["ml"] / "toque-complete").exists()


def test_an_interpreter_that_is_not_there_is_said_before_anything_runs(tmp_path: Path) -> None:
    given = settings(tmp_path, old=Environment(python="/nowhere/python"))
    with pytest.raises(UserError, match="environment 'old': there is no interpreter '/nowhere/python'"):
        make_needed(asking_for("old"), given)
    make_needed(asking_for("old"), settings(tmp_path, old=Environment(python=sys.executable)))


def test_an_interpreter_to_begin_from_that_is_not_there_is_said(tmp_path: Path) -> None:
    given = settings(tmp_path, ml=Environment(python="/nowhere/python", requirements=("numpy",)))
    with pytest.raises(UserError, match="/nowhere/python cannot be run: No such file") as caught:
        make_needed(asking_for("ml"), given)
    assert caught.value.fix == "change python of [environments.ml] in toque.toml"


def test_a_name_that_is_not_in_the_settings_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no environment is named 'modells'") as caught:
        make_needed(asking_for("modells"), settings(tmp_path, models=Environment(requirements=("numpy",))))
    assert caught.value.fix == "did you mean 'models'?"
