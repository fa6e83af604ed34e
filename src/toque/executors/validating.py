"""Validates the parameters of a run without importing its code here: a worker does, and stays on as a warm one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from toque.errors import ToqueError, UserError
from toque.executors.questions import Failure, ParametersWanted, Validated
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


async def validate(
    executor: Answers,
    bundle: BundleRef,
    file: str,
    pipeline: str,
    parameters: Mapping[str, Any],
    *,
    timeout_s: float = TIMEOUT_S,
) -> dict[str, Any]:
    """Parameters as given to those of a run: tagged JSON, defaults filled in. Raises `UserError`.

    A file whose import hangs is cut off after `timeout_s` and named, with the line where it hangs.
    """
    wanted = ParametersWanted(bundle.path, file, pipeline, dict(parameters))
    try:
        payload = msgspec.msgpack.encode(wanted)
    except OverflowError:
        raise UserError("a parameter is a whole number of more than 64 bits", fix="give it as text") from None
    try:
        data = await executor.ask(bundle, "validate", payload, timeout_s=timeout_s)
    except ToqueError as error:
        raise _fault(error, bundle, file, timeout_s).error() from None
    answer = msgspec.msgpack.decode(data, type=Validated)
    if answer.failure is not None:
        raise answer.failure.error()
    return answer.parameters


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
