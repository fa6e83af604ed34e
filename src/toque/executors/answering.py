"""The worker's side of loading: answers questions about the files of its bundle, since the server imports none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from toque.errors import ToqueError, UserError
from toque.executors.questions import Failure, FilesWanted, Loaded, ParametersWanted, Validated
from toque.graph import canonical
from toque.worker import wire


def respond(ask: wire.Ask) -> wire.Answer:
    """Answer a question. Never raises: what user code raises is part of the answer."""
    try:
        match ask.kind:
            case "load":
                wanted = msgspec.msgpack.decode(ask.payload, type=FilesWanted)
                answer: Any = _load(wanted)
            case "validate":
                answer = _validate(msgspec.msgpack.decode(ask.payload, type=ParametersWanted))
            case _:
                return wire.Answer(ask.id, error=f"this worker cannot answer {ask.kind!r}")
    except BaseException as error:
        return wire.Answer(ask.id, error=f"{type(error).__name__}: {error}")
    return wire.Answer(ask.id, msgspec.msgpack.encode(answer))


def _load(wanted: FilesWanted) -> list[Loaded]:
    from toque.authoring import loader

    root = Path(os.path.realpath(wanted.root))
    found = []
    for loaded in loader.load_files([root / file for file in wanted.files], root):
        file = os.path.relpath(loaded.file, root)
        if loaded.error is not None:
            found.append(Loaded(file=file, failure=_failure(loaded.error, file)))
        else:
            found.append(Loaded(file=file, pipelines=[canonical.encode(runnable.ir) for runnable in loaded.pipelines]))
    return found


def _validate(wanted: ParametersWanted) -> Validated:
    from toque.authoring import loader

    root = Path(os.path.realpath(wanted.root))
    try:
        runnables = loader.load_file(root / wanted.file, root)
        runnable = next((each for each in runnables if each.name == wanted.pipeline), None)
        if runnable is None:
            raise UserError(f"{wanted.file} defines no pipeline {wanted.pipeline!r}", file=wanted.file)
        return Validated(parameters=loader.validate_parameters(runnable, wanted.parameters))
    except UserError as error:
        return Validated(failure=_failure(error, wanted.file))


def _failure(error: ToqueError, file: str) -> Failure:
    if isinstance(error, UserError):
        return Failure(error.message, error.file or file, error.line, error.source, error.fix)
    return Failure(str(error), file)
