"""Turns an exception into an `ErrorInfo`: its class, the line to look at, and whether another attempt may help."""

from __future__ import annotations

import contextlib
import errno
import math
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from toque.durations import text
from toque.engine.backoff import LONGEST_S
from toque.engine.values import ErrorInfo
from toque.errors import DataError, ToqueBug, ToqueError, TransientError, UserError
from toque.graph import constants
from toque.graph.ir import ErrorClass, RetryPolicy, TaskNode
from toque.worker import code
from toque.worker.control import Cancelled
from toque.worker.masking import Masker

MESSAGE_CHARACTERS = 4000
SAMPLE_ROWS = 5
_MAY_PASS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.EHOSTUNREACH})
"""Somebody may make room, or plug the cable in again."""

TRANSIENT_TYPES = frozenset(
    {
        "aiohttp.client_exceptions.ClientConnectionError",
        "botocore.exceptions.ConnectionError",
        "httpx.TransportError",
        "psycopg.OperationalError",
        "requests.exceptions.ConnectionError",
        "requests.exceptions.Timeout",
        "socket.gaierror",
        "sqlalchemy.exc.OperationalError",
        "urllib3.exceptions.NewConnectionError",
        "urllib3.exceptions.TimeoutError",
    }
)
"""Connection losses and timeouts of common clients that do not derive from `ConnectionError` or `TimeoutError`, by
name: none of them is imported for it."""

SURROUNDING_TYPES = frozenset(
    {
        f"{module}.{name}"
        for module in ("duckdb", "_duckdb")
        for name in (
            "ConnectionException",
            "IOException",
            "OutOfMemoryException",
            "PermissionException",
            "ResourceInUseException",
        )
    }
)
"""What a database says of its file, its disk and its memory. No code gets better by that."""


def kind_of(error: BaseException) -> ErrorClass:
    """The class of an exception."""
    match error:
        case TransientError() | ConnectionError() | TimeoutError():
            return "transient"
        case DataError():
            return "data"
        case Cancelled():
            return "cancelled"
        case OSError(errno=number) if number in _MAY_PASS:
            return "transient"
        case _:
            names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
            if names & TRANSIENT_TYPES:
                return "transient"
            # What the system refused has a number; clients of HTTP derive their own errors from `OSError` without one.
            refused = isinstance(error, OSError) and error.errno is not None
            return "infrastructure" if refused or names & SURROUNDING_TYPES else "code"


def cannot_heal(error: BaseException) -> bool:
    """Whether another attempt is certain to fail in the same way."""
    return isinstance(error, DataError | ImportError | SyntaxError | UserError | ToqueBug)


def timed_out(node: TaskNode) -> ErrorInfo:
    """For an attempt that was stopped at its timeout. No user code is at hand any more, so a rule is taken to agree."""
    retry = node.policy.retry
    retryable = True
    if retry is not None and retry.rule is None:
        if retry.exceptions:
            retryable = any(ref.qualname in ("TimeoutError", "TransientError") for ref in retry.exceptions)
        elif retry.classes is not None:
            retryable = "transient" in retry.classes
    message = f"it ran longer than its timeout of {text(node.policy.timeout_s or 0)}"
    return ErrorInfo(kind="transient", type="Timeout", message=message, retryable=retryable)


class Failures:
    """Describes failures for one process: knows the roots of user code, and the secrets."""

    def __init__(self, roots: tuple[str, ...], masker: Masker) -> None:
        self._roots = tuple(root.rstrip("/") + "/" for root in roots if root)
        self._masker = masker

    def describe(self, error: BaseException, retry: RetryPolicy | None = None, *, of_call: bool = False) -> ErrorInfo:
        """`of_call`: the call itself failed (wrong arguments), which cannot heal either."""
        kind = kind_of(error)
        file, line = self._place(error)
        retryable, after_s, remark = _verdict(error, kind, retry, healing=not (cannot_heal(error) or of_call))
        message = error.message if isinstance(error, UserError) else said(error)
        if isinstance(error, UserError) and error.fix:
            message = f"{message}\n  Fix: {error.fix}"
        if notes := getattr(error, "__notes__", None):
            message = "\n".join([message, *map(str, notes)])
        return ErrorInfo(
            kind=kind,
            type=_type_name(error),
            message=self.cut(message + remark),
            file=file,
            line=line,
            retryable=retryable,
            retry_after_s=after_s,
            sample=self._sample(error),
        )

    def cut(self, message: str) -> str:
        """Masked first, so that no secret is cut in half and missed."""
        masked = _sendable(self._masker.mask(message))
        return masked if len(masked) <= MESSAGE_CHARACTERS else masked[: MESSAGE_CHARACTERS - 1] + "…"

    def traceback(self, error: BaseException) -> str:
        """As Python prints it, without the frames of Toque that lead to other code, masked. Files of the project are
        named as their author knows them: the snapshot that ran is not what to edit."""
        whole = traceback.TracebackException.from_exception(error)
        at: BaseException | None = error
        shown: traceback.TracebackException | None = whole
        while at is not None and shown is not None:
            shown.stack[:] = _told(shown.stack, is_meant=isinstance(at, ToqueError) and not isinstance(at, ToqueBug))
            at, shown = (at.__cause__, shown.__cause__) if shown.__cause__ else (at.__context__, shown.__context__)
        told = "".join(whole.format())
        for root in self._roots:
            told = told.replace(f'  File "{root}', '  File "')
        return self._masker.mask(told)

    def _place(self, error: BaseException) -> tuple[str, int]:
        """The innermost line of the project; of anything else if the project is not on the stack."""
        if isinstance(error, UserError) and error.file:
            return self._relative(error.file), error.line if isinstance(error.line, int) else 0
        if isinstance(error, SyntaxError) and error.filename:
            return self._relative(error.filename), error.lineno or 0
        frames = [(frame.f_code.co_filename, line) for frame, line in _walk(error.__traceback__)]
        mine = [place for place in frames if self._relative(place[0]) != place[0] and "/site-packages/" not in place[0]]
        chosen = mine or [place for place in frames if not _is_ours(place[0]) and not _is_python(place[0])]
        return (self._relative(chosen[-1][0]), chosen[-1][1]) if chosen else ("", 0)

    def _relative(self, file: str) -> str:
        for root in self._roots:
            if file.startswith(root):
                return file[len(root) :]
        return file

    def _sample(self, error: BaseException) -> list[Any]:
        if not isinstance(error, DataError):
            return []
        rows = []
        for row in error.sample[:SAMPLE_ROWS]:
            rows.append({_sendable(str(key)): _plain(item) for key, item in row.items()})
        return [self._masker.mask_data(row) for row in rows]


def _plain(value: Any) -> Any:
    """A cell of a sample row as JSON; whatever is more than a scalar is shown, not kept."""
    try:
        encoded = constants.encode(value)
    except constants.NotTagged:
        return _sendable(repr(value)[:200])
    if isinstance(encoded, str):
        return _sendable(encoded)
    return encoded if not isinstance(encoded, dict | list) else _sendable(str(value)[:200])


def _sendable(text: str) -> str:
    """Names of files that are no UTF-8 come as lone surrogates, which no message may hold."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def _verdict(
    error: BaseException, kind: ErrorClass, retry: RetryPolicy | None, *, healing: bool
) -> tuple[bool, float | None, str]:
    """(retryable, delay, remark for the message): the user's own rules come first."""
    after_s, remark = _asked_for(error)
    if retry is None:
        return healing, after_s, remark
    if retry.rule is not None:
        answer = _ask(code.resolve(retry.rule), error, after_s)
        return answer if remark == "" else (answer[0], answer[1], answer[2] + remark)
    if retry.exceptions:
        types = tuple(code.locate(ref) for ref in retry.exceptions)
        return isinstance(error, types), after_s, remark
    if retry.classes is not None:
        return kind in retry.classes, after_s, remark
    return healing, after_s, remark


def _asked_for(error: BaseException) -> tuple[float | None, str]:
    """The delay that an error asks for, and what is wrong with it: a header of a response is a text."""
    wish = getattr(error, "retry_after_s", None) if isinstance(error, TransientError) else None
    if wish is None:
        return None, ""
    try:
        wished_s = float(wish)
    except (TypeError, ValueError, OverflowError):
        wished_s = math.nan
    if math.isnan(wished_s):
        return None, f"\nIts retry_after_s is no number of seconds: {_shown(wish)}"
    return max(0.0, min(wished_s, LONGEST_S)), ""


def _ask(
    rule: Callable[[BaseException], Any], error: BaseException, after_s: float | None
) -> tuple[bool, float | None, str]:
    try:
        answer = rule(error)
    except Exception as broken:
        return False, None, f"\nThe retry rule itself failed: {type(broken).__name__}: {broken}"
    if isinstance(answer, bool) or answer is None:
        return bool(answer), after_s, ""
    if isinstance(answer, int | float) and not math.isnan(answer):
        return True, float(max(0.0, min(answer, LONGEST_S))), ""
    return False, None, f"\nThe retry rule must return a bool or a number of seconds, not {type(answer).__name__}"


def _shown(value: object) -> str:
    try:
        return repr(value)[:100]
    except Exception:  # `__repr__` of a class of the user's
        return f"a {type(value).__name__}"


def said(error: BaseException) -> str:
    """Its message, whatever its class does."""
    try:
        return str(error)
    except Exception as broken:  # `__str__` of a class of the user's
        return f"(its message cannot be shown: {type(broken).__name__}: {broken})"


def _type_name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _told(frames: Sequence[traceback.FrameSummary], *, is_meant: bool) -> list[traceback.FrameSummary]:
    """Without frames of Toque, but for those in which an error arose that nobody raised on purpose (`is_meant`)."""
    last = next((n for n in reversed(range(len(frames))) if not _is_ours(frames[n].filename)), -1)
    found = [frame for frame in frames[: last + 1] if not _is_ours(frame.filename)]
    if not is_meant:
        found += [frame for frame in frames[last + 1 :] if not _is_of_workers(frame.filename)]
    return found if found or is_meant else list(frames)


_PACKAGE = str(Path(__file__).parents[1]) + "/"
_PYTHON = str(Path(contextlib.__file__).parent) + "/"
_WORKER = str(Path(__file__).parent) + "/"


def _is_ours(file: str) -> bool:
    return file.startswith((_PACKAGE, "<frozen importlib"))


def _is_python(file: str) -> bool:
    """A line of Python's own library, such as one that leaves a `with`, is nothing to look at."""
    return file.startswith((_PYTHON, "<frozen ")) and "/site-packages/" not in file


def _is_of_workers(file: str) -> bool:
    """It is on each stack."""
    return file.startswith((_WORKER, "<frozen importlib"))


def _walk(at: TracebackType | None) -> Iterator[tuple[Any, int]]:
    while at is not None:
        yield at.tb_frame, at.tb_lineno
        at = at.tb_next
