"""Loading a project's pipelines: in a process of its own, so that user code is never imported here.

A file that is broken is reported with its line, one whose import hangs is cut off with the line that it hangs at,
and the others are loaded all the same.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from toque.errors import NotFound, UserError
from toque.graph.assets import Asset
from toque.graph.ir import Pipeline
from toque.graph.observing import only_observes
from toque.local.patience import until_end
from toque.settings import Settings
from toque.store.project_files import Listing, list_files

TIMEOUT_S = 30.0
"""For the import of one file."""
_GRACE_S = 5.0
_IMPORTS_TOQUE = re.compile(rb"^\s*(?:from|import)\s+toque\b", re.MULTILINE)
_FRAME = re.compile(r'File "(.+?)", line (\d+)')


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A `UserError`, or a remark, on its way between processes."""

    message: str
    file: str = ""
    line: int = 0
    source: str = ""
    fix: str = ""
    severity: Literal["error", "warning"] = "error"
    missing: bool = False
    """It was a `NotFound`."""

    @classmethod
    def of(cls, error: UserError, severity: Literal["error", "warning"] = "error") -> Problem:
        """The fields of an error."""
        return cls(
            message=error.message,
            file=error.file,
            line=error.line,
            source=error.source,
            fix=error.fix,
            severity=severity,
            missing=isinstance(error, NotFound),
        )

    def error(self) -> UserError:
        """As it was raised."""
        kind = NotFound if self.missing else UserError
        return kind(self.message, file=self.file, line=self.line, source=self.source, fix=self.fix)


class LoadedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file: its pipelines, and what is wrong with them. A file with problems may have no pipelines."""

    file: str
    """Relative to the project."""
    pipelines: tuple[Pipeline, ...] = ()
    problems: tuple[Problem, ...] = ()
    assets: tuple[Asset, ...] = ()
    """Those that it defines, whether or not a pipeline makes them."""
    lines: dict[str, int] = {}
    """Where each of them begins, by key."""
    externals: tuple[Asset, ...] = ()
    """Those that it names, and something else makes."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the loader process is asked for."""

    project: str
    files: list[str]
    """Absolute."""
    timeout_s: float
    checks: bool = False
    """Check types and bodies as well, as `toque check` does."""


class Preparation(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for one pipeline and the parameters of a run: checked, completed, in tagged JSON."""

    project: str
    file: str
    pipeline: str
    """"" when the file has only one."""
    raw: dict[str, Any]
    timeout_s: float


class Question(Protocol):
    """What all questions to the loader process say: its name is their kind."""

    @property
    def project(self) -> str: ...


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a `Preparation`."""

    pipeline: Pipeline | None = None
    parameters: dict[str, Any] = {}
    problem: Problem | None = None


def candidates(settings: Settings) -> list[Path]:
    """The files of the project that may define pipelines: they import toque."""
    return candidates_of(settings, listing_of(settings))


def listing_of(settings: Settings) -> Listing:
    """The files of the project, and the projects inside of it."""
    return list_files(settings.project, settings.bundle, declared=settings.declared)


def candidates_of(settings: Settings, listing: Listing) -> list[Path]:
    """Those of a listing that import toque."""
    paths = [settings.project / path for path in listing.paths if path.endswith(".py")]
    return [path for path in paths if imports_toque(path)]


def imports_toque(file: Path) -> bool:
    """Whether a file may define pipelines."""
    return _IMPORTS_TOQUE.search(file.read_bytes()) is not None


class Interruption:
    """Lets another thread cut off a load: it ends at once, with less than was asked for."""

    def __init__(self) -> None:
        self.happened = False
        self._process: subprocess.Popen[bytes] | None = None

    def now(self) -> None:
        """Kill the process that loads, and start no other one."""
        self.happened = True
        if self._process is not None:
            self._process.kill()

    def may_end(self, process: subprocess.Popen[bytes]) -> None:
        """`process` is the one to kill."""
        self._process = process
        if self.happened:
            process.kill()


def load(
    project: Path,
    files: Sequence[Path],
    *,
    checks: bool = False,
    timeout_s: float = TIMEOUT_S,
    interruption: Interruption | None = None,
) -> list[LoadedFile]:
    """What `files` define, in their order. A name that two files use is a problem of the second one."""
    loaded: list[LoadedFile] = []
    waiting = [str(path.resolve()) for path in files]
    while waiting and not (interruption and interruption.happened):
        asked = Asked(project=str(project), files=waiting, timeout_s=timeout_s, checks=checks)
        answers, stuck = ask(asked, len(waiting), timeout_s, interruption)
        loaded += msgspec.convert(answers, list[LoadedFile])
        waiting = waiting[len(answers) :]
        if waiting:
            loaded.append(stuck_at(project, waiting.pop(0), stuck, timeout_s))
    return list(_without_taken_names(loaded))


def prepare(
    project: Path, file: Path, name: str, raw: Mapping[str, Any], *, timeout_s: float = TIMEOUT_S
) -> tuple[Pipeline, dict[str, Any]]:
    """A pipeline of `file` (`name` may be "" when there is only one), and the parameters of a run of it in tagged
    JSON. Raises `UserError`."""
    path = str(file.resolve())
    asked = Preparation(project=str(project), file=path, pipeline=name, raw=dict(raw), timeout_s=timeout_s)
    answers, stuck = ask(asked, 1, timeout_s)
    if not answers:
        raise stuck_at(project, path, stuck, timeout_s).problems[0].error()
    answer = msgspec.convert(answers[0], Prepared)
    if answer.problem is not None:
        raise answer.problem.error()
    assert answer.pipeline is not None
    return answer.pipeline, answer.parameters


def ask(
    asked: Question, count: int, timeout_s: float, interruption: Interruption | None = None
) -> tuple[list[Any], str]:
    """The answers that came, and where the process stood when it was cut off or died."""
    with tempfile.TemporaryFile() as answers, tempfile.TemporaryFile("w+", errors="replace") as stack:
        command = [sys.executable, "-P", "-m", "toque.local.loader_process", str(answers.fileno()), str(stack.fileno())]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            # What a module prints at import is for people, and must not mix with what a command prints.
            stdout=sys.stderr.fileno() if _has_descriptor(sys.stderr) else subprocess.DEVNULL,
            pass_fds=(answers.fileno(), stack.fileno()),
            cwd=asked.project,
        )
        if interruption is not None:
            interruption.may_end(process)
        try:
            question = msgspec.json.encode([type(asked).__name__, asked])
            until_end(process, question, (timeout_s + _GRACE_S) * count, stack)
        finally:
            process.kill()
            process.wait()
        answers.seek(0)
        stack.seek(0)
        return [msgspec.json.decode(line) for line in answers if line.endswith(b"\n")], stack.read()


def stuck_at(project: Path, file: str, stack: str, timeout_s: float) -> LoadedFile:
    """The file whose import did not end, or ended the process."""
    shown = os.path.relpath(file, project.resolve())
    frames = [(name, int(line)) for name, line in _FRAME.findall(stack)]
    inside = [(name, line) for name, line in frames if name.startswith(str(project.resolve()) + os.sep)]
    if frames and not inside:
        inside = frames[-1:]
    message = f"the import did not end within {timeout_s:g} s" if frames else "the import ended the process"
    fix = "do the work in a task: a file is imported to be looked at, often and by many"
    if not inside:
        return LoadedFile(file=shown, problems=(Problem(message=message, file=shown, fix=fix),))
    name, line = inside[0]
    problem = Problem(
        message=message, file=os.path.relpath(name, project.resolve()), line=line, source=_line_of(name, line), fix=fix
    )
    return LoadedFile(file=shown, problems=(problem,))


def _without_taken_names(loaded: Iterable[LoadedFile]) -> Iterable[LoadedFile]:
    owners: dict[str, str] = {}
    for each in loaded:
        kept, problems = [], list(each.problems)
        for pipeline in each.pipelines:
            owner = owners.setdefault(pipeline.name, each.file)
            if owner == each.file:
                kept.append(pipeline)
            else:
                problems.append(
                    Problem(
                        message=f"the name {pipeline.name} is taken by another pipeline in {owner}",
                        file=each.file,
                        line=pipeline.origin.line if pipeline.origin else 0,
                        fix=f'@pipeline(name="{pipeline.name}_2")',
                    )
                )
        yield msgspec.structs.replace(each, pipelines=tuple(kept), problems=tuple(problems))


def _line_of(file: str, number: int) -> str:
    try:
        lines = Path(file).read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""


def _has_descriptor(stream: Any) -> bool:
    try:
        return isinstance(stream.fileno(), int)
    except (AttributeError, OSError, ValueError):
        return False


def only(loaded: LoadedFile, name: str = "") -> Pipeline:
    """The pipeline called `name`, or the only one that somebody wrote. Raises `UserError`."""
    if loaded.problems and not any(pipeline.name == name for pipeline in loaded.pipelines):
        raise loaded.problems[0].error()
    names = [pipeline.name for pipeline in loaded.pipelines]
    if not names:
        raise UserError("there is no pipeline in this file", file=loaded.file, fix="@pipeline above a function")
    if not name and len(names) > 1:
        written = [pipeline.name for pipeline in loaded.pipelines if not only_observes(pipeline)]
        if len(written) != 1:
            raise UserError(f"the file has {len(names)} pipelines", file=loaded.file, fix=f"{loaded.file}:{names[0]}")
        [name] = written
    if name and name not in names:
        raise NotFound(f"there is no pipeline {name!r}", file=loaded.file, fix=f"it has: {', '.join(names)}")
    return next(pipeline for pipeline in loaded.pipelines if name in ("", pipeline.name))
