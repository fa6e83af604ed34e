"""Environments: virtual environments that tasks ask for by name, made when a pipeline first needs them.

A made one lies in `.toque/environments/<name>-<digest of what it holds>`, so that a change of its requirements makes
a new one and disturbs no run. It holds the requirements, what a worker needs, and a link to this installation of
Toque, so that both ends of the protocol are of one release.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import toque
from toque.errors import UserError
from toque.graph.ir import Pipeline, TaskNode
from toque.settings import Settings

log = logging.getLogger("toque.environments")

WORKER_NEEDS = ("msgspec", "pydantic", "cloudpickle")
_DONE = "toque-complete"
_SHOWN_LINES = 15


def interpreters(settings: Settings) -> Mapping[str, str]:
    """The interpreter of each environment, whether or not it is made yet."""
    return {
        name: str(_path(settings, name) / "bin" / "python") if each.requirements else each.python
        for name, each in settings.environments.items()
    }


def make_needed(pipeline: Pipeline, settings: Settings) -> None:
    """Make what the tasks of `pipeline` ask for and is not there. Raises `UserError` with what the installer said."""
    names = {node.policy.environment for node in pipeline.nodes if isinstance(node, TaskNode)}
    for name in sorted(names - {""}):
        wanted = settings.environment(name)
        if wanted.requirements:
            with _locked(settings):
                path = _path(settings, name)
                if not (path / _DONE).exists():
                    _make(name, path, wanted.python or sys.executable, wanted.requirements)
        elif not shutil.which(wanted.python):
            raise UserError(f"environment {name!r}: there is no interpreter {wanted.python!r}")


def _path(settings: Settings, name: str) -> Path:
    wanted = settings.environments[name]
    needs = [f"{each}=={version(each)}" for each in WORKER_NEEDS]
    content = "\n".join([wanted.python or sys.executable, *wanted.requirements, *needs])
    return settings.home / "environments" / f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def _make(name: str, path: Path, python: str, requirements: tuple[str, ...]) -> None:
    log.warning("making environment %s (%s)", name, ", ".join(requirements))
    shutil.rmtree(path, ignore_errors=True)
    _run(name, [python, "-m", "venv", str(path)])
    needs = [f"{each}=={version(each)}" for each in WORKER_NEEDS]
    installer = [str(path / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run(name, [*installer, *needs, *requirements])
    site = next(path.glob("lib/python*/site-packages"))
    (site / "toque").symlink_to(Path(toque.__file__).parent, target_is_directory=True)
    (path / _DONE).touch()


def _run(name: str, command: list[str]) -> None:
    environ = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environ, check=False)
    except OSError as error:
        raise UserError(
            f"environment {name!r} cannot be made: {command[0]} cannot be run: {error.strerror}",
            fix=f"change python of [environments.{name}] in toque.toml",
        ) from error
    if done.returncode:
        said = "\n  ".join((done.stdout + done.stderr).strip().splitlines()[-_SHOWN_LINES:])
        raise UserError(
            f"environment {name!r} cannot be made:\n  {said}", fix=f"change [environments.{name}] of toque.toml"
        )


@contextmanager
def _locked(settings: Settings) -> Iterator[None]:
    """Two runs that start at once make it once."""
    home = settings.home / "environments"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
