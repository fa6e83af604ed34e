"""Loads the files of a bundle without importing them here: a worker process does, and stays on as a warm one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from toque.errors import ToqueError
from toque.executors.questions import Failure, FilesWanted, Loaded, ParametersWanted, Validated
from toque.graph import canonical
from toque.ports.executor import BundleRef

TIMEOUT_S = 60.0
_FRAME = re.compile(r'File "([^"]+)", line (\d+) in ')


class Asked(ToqueError):
    """The worker that was asked did not answer in time and was killed; `stack` is where it was, innermost first."""

    def __init__(self, stack: str) -> None:
        super().__init__("the worker did not answer in time")
        self.stack = stack


class Answers(Protocol):
    """What an executor must offer for it."""

    async def ask(self, bundle: BundleRef, kind: str, payload: bytes, *, timeout_s: float) -> bytes:
        """Raises `Asked` at the timeout, `ToqueError` if the worker died."""
        ...


class Loading:
    """Loads files and validates parameters through an executor."""

    def __init__(self, executor: Answers) -> None:
        self._executor = executor

    async def load(self, bundle: BundleRef, files: Sequence[str], *, timeout_s: float = TIMEOUT_S) -> list[Loaded]:
        """Each of `files` (relative to the bundle) with its pipelines, or with what is wrong with it.

        A file whose import hangs is cut off after `timeout_s` and named, with the line where it hangs; the others are
        loaded all the same.
        """
        try:
            return await self._load(bundle, files, timeout_s)
        except (Asked, ToqueError) as error:
            if len(files) == 1:
                return [Loaded(file=files[0], failure=_fault(error, bundle, files[0], timeout_s))]
        # One of them takes the process with it: each gets one of its own.
        found: list[Loaded] = []
        for file in files:
            found += await self.load(bundle, [file], timeout_s=timeout_s)
        return _without_duplicates(found)

    async def validate(
        self,
        bundle: BundleRef,
        file: str,
        pipeline: str,
        parameters: Mapping[str, Any],
        *,
        timeout_s: float = TIMEOUT_S,
    ) -> dict[str, Any]:
        """Parameters as given to those of a run: tagged JSON, defaults filled in. Raises `UserError`."""
        wanted = ParametersWanted(bundle.path, file, pipeline, dict(parameters))
        payload = msgspec.msgpack.encode(wanted)
        try:
            data = await self._executor.ask(bundle, "validate", payload, timeout_s=timeout_s)
        except Asked as error:
            raise _fault(error, bundle, file, timeout_s).error() from None
        answer = msgspec.msgpack.decode(data, type=Validated)
        if answer.failure is not None:
            raise answer.failure.error()
        return answer.parameters

    async def _load(self, bundle: BundleRef, files: Sequence[str], timeout_s: float) -> list[Loaded]:
        payload = msgspec.msgpack.encode(FilesWanted(bundle.path, list(files)))
        data = await self._executor.ask(bundle, "load", payload, timeout_s=timeout_s)
        return msgspec.msgpack.decode(data, type=list[Loaded])


def _fault(error: ToqueError, bundle: BundleRef, file: str, timeout_s: float) -> Failure:
    if not isinstance(error, Asked):
        return Failure(str(error), file)
    line, source = _where(error.stack, bundle, file)
    return Failure(
        f"the import did not end within {timeout_s:g} s",
        file,
        line,
        source,
        "move what takes long (connections, downloads, input) from the top level into a task",
    )


def _where(stack: str, bundle: BundleRef, file: str) -> tuple[int, str]:
    """The innermost line of `file` in a dump of the stack."""
    path = Path(bundle.path, file)
    for found, number in _FRAME.findall(stack):
        if Path(found).resolve() == path.resolve():
            lines = path.read_text(errors="replace").splitlines()
            return int(number), lines[int(number) - 1].strip() if int(number) <= len(lines) else ""
    return 0, ""


def _without_duplicates(found: list[Loaded]) -> list[Loaded]:
    """A name that two files define is an error of the second one."""
    owners: dict[str, str] = {}
    checked = []
    for loaded in found:
        names = [canonical.decode(pipeline).name for pipeline in loaded.pipelines]
        taken = next((name for name in names if name in owners), None)
        if taken is not None:
            message = f"The name {taken} is taken by another pipeline in {owners[taken]}."
            checked.append(Loaded(file=loaded.file, failure=Failure(message, loaded.file, fix="rename one of them")))
            continue
        owners.update(dict.fromkeys(names, loaded.file))
        checked.append(loaded)
    return checked
