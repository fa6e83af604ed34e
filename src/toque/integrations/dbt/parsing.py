"""A project's manifest: kept by the content that it is made of; dbt is started when there is none of that content."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec

from toque.authoring.patience import patience
from toque.errors import UserError
from toque.integrations.dbt import commands, kept
from toque.integrations.dbt.manifest import Manifest, read
from toque.integrations.dbt.profiles import Profile

TIMEOUT_S: Final = 600.0
"""For dbt to parse a project; once for each of its contents."""
_FILE: Final = re.compile(r"\(?((?:[\w.-]+/)*[\w.-]+\.(?:sql|ya?ml|csv|py|md))\)?")
_LINE: Final = re.compile(r"\bline (\d+)")
_SELECTED: Final = "selected.json"
_SAID_CHARACTERS: Final = 2000


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What decides what a project comes to, beside its files."""

    vars: Mapping[str, Any] = {}
    select: Sequence[str] = ()
    exclude: Sequence[str] = ()
    indirect_selection: str = ""
    profile: str = ""
    target: str = ""

    @property
    def selects(self) -> bool:
        """Not everything is meant."""
        return bool(self.select or self.exclude)


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """A project as dbt understands it, and where that is kept."""

    manifest: Manifest
    """With what is selected."""
    directory: Path
    """Holds `manifest.json`, and what spares the next start of dbt a parse."""
    document: Path


def parsed(project: Path, home: Path, profile: Profile | None, question: Question, *, shown: str) -> Parsed:
    """The manifest of a dbt project. `shown` is its path as people know it. Raises `UserError`."""
    if not (project / "dbt_project.yml").is_file():
        raise UserError(f"{shown} holds no dbt_project.yml: it is no dbt project", file=shown, fix="the path of one")
    workdir = kept.workdir_of(project)
    connected = profile.output if profile is not None else [str(workdir), kept.profiles_of(workdir)]
    name = kept.digest(project, msgspec.to_builtins(question), connected, _versions())
    with kept.locked(home, name) as directory:
        document = directory / "manifest.json"
        if not document.exists():
            commands.require_dbt(profile.adapter if profile is not None else "")
            with patience():
                _parse(project, directory, profile, question, shown)
            kept.remember(home, shown, document.read_bytes())
            kept.prune(home)
        os.utime(directory)
        manifest = read(document.read_bytes(), file=f"{shown}/manifest.json")
        if question.selects:
            manifest = manifest.selected(msgspec.json.decode((directory / _SELECTED).read_bytes()))
    return Parsed(manifest=manifest, directory=directory, document=document)


def given(document: Path, *, shown: str) -> Parsed:
    """A manifest that somebody else has made. Raises `UserError`."""
    try:
        content = document.read_bytes()
    except OSError as error:
        raise UserError(
            f"the manifest cannot be read: {error.strerror}", file=shown, fix="dbt parse makes it"
        ) from None
    return Parsed(manifest=read(content, file=shown), directory=document.parent, document=document)


def project_name(project: Path) -> str:
    """What `dbt_project.yml` calls the profile of the project."""
    text = (project / "dbt_project.yml").read_text()
    for key in ("profile", "name"):
        found = re.search(rf"^{key}:\s*['\"]?([\w.-]+)", text, re.MULTILINE)
        if found:
            return found[1]
    return "default"


def _parse(project: Path, directory: Path, profile: Profile | None, question: Question, shown: str) -> None:
    verb, more = "parse", commands.variables(question.vars)
    if question.selects:
        verb = "ls"
        more += ["--output", "json", "--output-keys", "unique_id"]
        more += commands.selection(question.select, question.exclude, question.indirect_selection)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".parse-") as scratch:
        place = place_of(project, Path(scratch), profile, question)
        done = _run(commands.command(verb, place, *more), place, shown)
        if done.returncode != 0 or not (place.target / "manifest.json").exists():
            raise _problem(done.stdout + done.stderr, project, shown)
        if question.selects:
            listed = [msg for level, msg in map(_told, done.stdout.splitlines()) if msg.startswith('{"unique_id"')]
            selected = [msgspec.json.decode(msg)["unique_id"] for msg in listed]
            (place.target / _SELECTED).write_bytes(msgspec.json.encode(selected))
        place.target.rename(directory)


def place_of(project: Path, scratch: Path, profile: Profile | None, question: Question) -> commands.Place:
    """Where a command of dbt works; its profile is written there, without secrets."""
    if profile is not None:
        profile.write(scratch / "profiles", project_name(project))
    return commands.Place(
        project=project,
        workdir=kept.workdir_of(project),
        target=scratch / "target",
        profiles=scratch / "profiles" if profile is not None else None,
        profile=question.profile,
        target_name=question.target,
        environment=profile.environment if profile is not None else None,
    )


def _run(command: list[str], place: commands.Place, shown: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            cwd=place.workdir,
            env=commands.environment_of(place),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"dbt has not parsed {shown} within {TIMEOUT_S:g} s",
            file=shown,
            fix='dbt parse when the project changes, and DbtProject(…, manifest="target/manifest.json")',
        ) from None


def _problem(said: str, project: Path, shown: str) -> UserError:
    """What dbt complains of, with the file and line that it names."""
    told = [msg for level, msg in map(_told, said.splitlines()) if level == "error"]
    errors = list(dict.fromkeys(msg.removeprefix("Encountered an error:").strip() for msg in told))
    errors = [each for each in errors if not any(each in other for other in errors if other != each)]
    # The last one says what kind of trouble it is, those before it what it is about.
    message = "\n".join([*errors[-1:], *errors[:-1]]) or _last(said) or "dbt failed and said nothing"
    message = "\n".join(line.rstrip() for line in message[:_SAID_CHARACTERS].splitlines() if line.strip())
    fix = "dbt deps, and [bundle] include of toque.toml for dbt_packages if git ignores it"
    line = _LINE.search(message)
    return UserError(
        message,
        file=f"{shown}/{_named(message, project)}",
        line=int(line[1]) if line else 0,
        fix=fix if "dbt deps" in message else "",
    )


def _named(message: str, project: Path) -> str:
    """The file that a message names. Of a file that it cannot read dbt says the name alone."""
    found = _FILE.search(message)
    if found is None:
        return "dbt_project.yml"
    if not (project / found[1]).exists():
        inside = next((path for path in sorted(project.glob(f"*/**/{found[1]}"))), None)
        if inside is not None:
            return str(inside.relative_to(project))
    return found[1]


def _told(line: str) -> tuple[str, str]:
    """Level and message of a line of dbt's log; both "" for what is none."""
    try:
        told = msgspec.json.decode(line)["info"]
        return str(told["level"]), str(told["msg"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return "", ""


def _last(said: str) -> str:
    """The last line that is of no log: that of a traceback."""
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("{")]
    return lines[-1] if lines else ""


def _versions() -> list[str]:
    found = []
    for name in ("dbt-core", "dbt-adapters"):
        try:
            found.append(version(name))
        except ModuleNotFoundError:
            found.append("")
    return found
