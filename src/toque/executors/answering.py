"""The worker's side of validating: answers questions about the files of its bundle, since the server imports none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from toque.errors import UserError
from toque.executors.questions import Failure, ParametersWanted, Validated
from toque.worker import wire


class Answerer:
    """Answers for one process. Remembers what it has loaded: a bundle never changes, and to import its modules twice
    would make two classes of each."""

    def __init__(self) -> None:
        self._loaded: dict[str, list[Any]] = {}

    def respond(self, ask: wire.Ask) -> wire.Answer:
        """Never raises: what user code raises is part of the answer."""
        try:
            match ask.kind:
                case "validate":
                    answer = self._validate(msgspec.msgpack.decode(ask.payload, type=ParametersWanted))
                case _:
                    return wire.Answer(ask.id, error=f"this worker cannot answer {ask.kind!r}")
        except BaseException as error:
            return wire.Answer(ask.id, error=f"{type(error).__name__}: {error}")
        return wire.Answer(ask.id, msgspec.msgpack.encode(answer))

    def _validate(self, wanted: ParametersWanted) -> Validated:
        from toque.authoring import loader

        root = Path(os.path.realpath(wanted.root))
        try:
            if wanted.file not in self._loaded:
                self._loaded[wanted.file] = list(loader.load_file(root / wanted.file, root))
            named = [each for each in self._loaded[wanted.file] if each.name == wanted.pipeline]
            if not named:
                raise UserError(f"{wanted.file} defines no pipeline {wanted.pipeline!r}", file=wanted.file)
            return Validated(parameters=loader.validate_parameters(named[0], wanted.parameters))
        except UserError as error:
            return Validated(failure=_failure(error, ""))


def _failure(error: UserError, file: str) -> Failure:
    return Failure(error.message, error.file or file, error.line, error.source, error.fix)
