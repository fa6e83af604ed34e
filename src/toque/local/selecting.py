"""Selecting: the pipelines that make chosen assets of a project, asked of the process that may import its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from toque.graph.ir import Pipeline
from toque.local.loading import TIMEOUT_S, Problem, ask, stuck_at


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for the pipelines that make the selected assets of a project, one for each stage."""

    project: str
    files: list[str]
    """Absolute: all that may define assets."""
    selection: str
    name: str
    """What the pipelines are to be called."""
    timeout_s: float
    apart: bool = False
    """A stage for each asset, not for all that are cut alike."""


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a `Selection`."""

    stages: tuple[Pipeline, ...] = ()
    """What is made in one is cut in one way; each reads what those before it made."""
    broken: tuple[str, ...] = ()
    """Files that could not be read: what they define was not there to be selected."""
    problem: Problem | None = None


def prepare_selection(
    project: Path,
    files: Sequence[Path],
    selection: str,
    name: str,
    *,
    apart: bool = False,
    timeout_s: float = TIMEOUT_S,
) -> Planned:
    """The pipelines that make the assets that `selection` names. Raises `UserError`."""
    paths = [str(file.resolve()) for file in files]
    asked = Selection(
        project=str(project), files=paths, selection=selection, name=name, timeout_s=timeout_s, apart=apart
    )
    answers, stuck = ask(asked, len(files), timeout_s)
    if not answers:
        raise stuck_at(project, paths[0] if paths else str(project), stuck, timeout_s).problems[0].error()
    answer = msgspec.convert(answers[0], Planned)
    if answer.problem is not None:
        raise answer.problem.error()
    return answer
