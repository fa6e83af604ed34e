"""Patience with the loader process, on both sides: what it starts itself does not count towards the limit of a file."""

from __future__ import annotations

import faulthandler
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_WAITING = b"waiting"


def until_end(process: subprocess.Popen[bytes], question: bytes, limit_s: float, stack: Any) -> None:
    """Hand over the question and wait for the end: so long, and on for as long as the process says that it waits."""
    given: bytes | None = question
    while True:
        try:
            process.communicate(given, timeout=limit_s)
            return
        except subprocess.TimeoutExpired:
            if os.pread(stack.fileno(), len(_WAITING), 0) != _WAITING:
                return
            given = None  # it has it


@contextmanager
def waiting(stack: int, limit_s: float) -> Iterator[None]:
    """In the loader process: the limit does not run within the block, and begins anew after it."""
    faulthandler.cancel_dump_traceback_later()
    os.pwrite(stack, _WAITING, 0)
    try:
        yield
    finally:
        os.ftruncate(stack, 0)
        faulthandler.dump_traceback_later(limit_s, exit=True, file=stack)
