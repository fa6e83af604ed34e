"""The loader process: imports the files that it is told to and answers with one line of JSON for each.

`python -P -m toque.local.loader_process ANSWERS STACK`: descriptors to write to; the question comes on standard
input. The process ends itself where an import hangs, GIL held or not, and leaves the stack in STACK.
"""

from __future__ import annotations

import faulthandler
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from toque.authoring.patience import of_loader
from toque.errors import UserError
from toque.local.loading import Asked, LoadedFile, Preparation, Prepared, Problem, only
from toque.local.patience import waiting
from toque.local.selecting import Planned, Selection

if TYPE_CHECKING:
    from toque.authoring.loader import Runnable


def main() -> None:
    """Answer the one question."""
    answers, stack = int(sys.argv[1]), int(sys.argv[2])
    kind, asked = msgspec.json.decode(sys.stdin.buffer.read())
    of_loader.set(partial(waiting, stack, asked["timeout_s"]))
    sys.stdin = open(os.devnull)  # noqa: SIM115 - for the rest of the process
    match kind:
        case "Asked":
            _load(msgspec.convert(asked, Asked), answers, stack)
        case "Selection":
            _answer(answers, _selected(msgspec.convert(asked, Selection), stack))
        case _:
            preparation = msgspec.convert(asked, Preparation)
            faulthandler.dump_traceback_later(preparation.timeout_s, exit=True, file=stack)
            _answer(answers, _prepared(preparation))
    sys.stdout.flush()
    # Threads and exit handlers of the user's modules are none of ours.
    os._exit(0)


def _load(asked: Asked, answers: int, stack: int) -> None:
    from toque.authoring import loader

    project = Path(asked.project)
    for file in asked.files:
        faulthandler.dump_traceback_later(asked.timeout_s, exit=True, file=stack)
        path = Path(file)
        shown = os.path.relpath(path, project.resolve())
        try:
            found = loader.load_file(path, project)
            problems = _findings(found) if asked.checks else []
            producers = loader.producers_in(path, project)
            loaded = LoadedFile(
                file=shown,
                pipelines=tuple(runnable.ir for runnable in found),
                problems=tuple(problems),
                assets=tuple(asset for each in producers for asset in each.described()),
                externals=tuple(each.known() for each in loader.externals_in(path, project)),
                lines={key: line for each in producers for key, line in each.lines().items()},
            )
        except UserError as error:
            loaded = LoadedFile(file=shown, problems=(Problem.of(error),))
        faulthandler.cancel_dump_traceback_later()
        _answer(answers, loaded)


def _findings(found: Sequence[Runnable]) -> list[Problem]:
    """What is wrong or doubtful in pipelines that could be loaded."""
    from toque.authoring.checks import check

    return [Problem.of(finding.error, finding.severity) for runnable in found for finding in check(runnable)]


def _prepared(asked: Preparation) -> Prepared:
    from toque.authoring import loader

    path = Path(asked.file)
    try:
        found = loader.load_file(path, Path(asked.project))
        shown = os.path.relpath(path, Path(asked.project).resolve())
        chosen = only(LoadedFile(file=shown, pipelines=tuple(each.ir for each in found)), asked.pipeline)
        runnable = next(each for each in found if each.name == chosen.name)
        return Prepared(pipeline=chosen, parameters=loader.validate_parameters(runnable, asked.raw))
    except UserError as error:
        return Prepared(problem=Problem.of(error))


def _selected(asked: Selection, stack: int) -> Planned:
    from toque.authoring import asset_graphs, loader

    known, broken, project = [], [], Path(asked.project)
    for file in asked.files:
        faulthandler.dump_traceback_later(asked.timeout_s, exit=True, file=stack)
        try:
            loader.load_file(Path(file), project)
            known += loader.producers_in(Path(file), project)
        except UserError:
            broken.append(os.path.relpath(file, project.resolve()))
    try:
        stages = asset_graphs.stages_of(asked.name, asked.selection, known, apart=asked.apart)
        return Planned(stages=tuple(each.ir for each in stages), broken=tuple(broken))
    except UserError as error:
        return Planned(problem=Problem.of(_blaming(broken, error)), broken=tuple(broken))


def _blaming(broken: Sequence[str], error: UserError) -> UserError:
    """What is not there to be selected may stand in a file that cannot be read."""
    if not broken:
        return error
    missing = f"{error.message.rstrip('.')}: {', '.join(broken)} cannot be loaded."
    return UserError(missing, fix="mend the file; `toque check` shows the line")


def _answer(answers: int, answer: LoadedFile | Prepared | Planned) -> None:
    os.write(answers, msgspec.json.encode(answer) + b"\n")


if __name__ == "__main__":
    main()
