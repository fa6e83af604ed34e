"""Sites: where in the user's code something was written, so that an error can name the line and show the fix."""

from __future__ import annotations

import ast
import linecache
import os
import sys
from collections.abc import Callable
from functools import lru_cache
from types import CodeType, FrameType
from typing import NamedTuple

from toque.errors import UserError
from toque.graph.ir import Origin

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_LIBRARIES = tuple(
    os.path.realpath(path) + os.sep
    for path in {os.path.dirname(os.__file__), *(path for path in sys.path if path.endswith("-packages"))}
)


class Site(NamedTuple):
    """A place in user code. `expression` is the text of the call that led to us; "" when unknown."""

    file: str
    line: int
    expression: str = ""

    @property
    def source(self) -> str:
        """The line itself."""
        return linecache.getline(self.file, self.line).strip()

    @property
    def origin(self) -> Origin:
        """As the IR keeps it: relative to the project, so that two checkouts agree."""
        return Origin(file=relative(self.file), line=self.line)

    def error(self, message: str, *, fix: str = "") -> UserError:
        """A `UserError` about this place."""
        return UserError(message, file=relative(self.file), line=self.line, source=self.source, fix=fix)


def here() -> Site:
    """Where the innermost frame of the user's code stands."""
    frame = _user_frame(sys._getframe(1))
    if frame is None:
        return Site("", 0)
    return Site(frame.f_code.co_filename, frame.f_lineno)


def here_exactly() -> Site:
    """As `here`, with the text of the expression that is being evaluated (for errors: it reads the file)."""
    frame = _user_frame(sys._getframe(1))
    if frame is None:
        return Site("", 0)
    return Site(frame.f_code.co_filename, frame.f_lineno, _expression(frame))


def definition(function: Callable[..., object]) -> Site:
    """Where a function is defined."""
    code: CodeType | None = getattr(function, "__code__", None)
    return Site(code.co_filename, code.co_firstlineno) if code is not None else Site("", 0)


def refuse(message: str, *, fix: str = "") -> UserError:
    """A `UserError` about the line of user code that is running now."""
    return here_exactly().error(message, fix=fix)


def is_library(file: str) -> bool:
    """The file is neither the user's nor made up: the standard library, an installed package, or Toque."""
    path = os.path.realpath(file)
    return path.startswith(_OURS) or path.startswith(_LIBRARIES)


@lru_cache(maxsize=4096)
def project_root(file: str) -> str:
    """The nearest parent with a `toque.toml`, else the file's directory."""
    start = os.path.dirname(os.path.abspath(file))
    directory = start
    while True:
        if os.path.exists(os.path.join(directory, "toque.toml")):
            return directory
        parent = os.path.dirname(directory)
        if parent == directory:
            return start
        directory = parent


def relative(file: str) -> str:
    """The path as people know it: within its project. Names such as `<stdin>` stay."""
    if not file or file.startswith("<"):
        return file
    path = os.path.abspath(file)
    return os.path.relpath(path, project_root(path))


def _user_frame(frame: FrameType | None) -> FrameType | None:
    while frame is not None and frame.f_code.co_filename.startswith(_OURS):
        frame = frame.f_back
    return frame


def _expression(frame: FrameType) -> str:
    """Source text of the instruction that the frame executes; PEP 657 gives its exact position."""
    positions = list(frame.f_code.co_positions())
    index = frame.f_lasti // 2
    if index >= len(positions):
        return ""
    first, last, start, end = positions[index]
    if first is None or last is None or start is None or end is None:
        return ""
    lines = [linecache.getline(frame.f_code.co_filename, number) for number in range(first, last + 1)]
    if not all(lines):
        return ""
    # Columns count UTF-8 bytes.
    encoded = [line.encode() for line in lines]
    encoded[-1] = encoded[-1][:end]
    encoded[0] = encoded[0][start:]
    return b"".join(encoded).decode(errors="replace")


def parsed_call(expression: str) -> ast.Call | None:
    """The expression as a call, or None when it is none (a `with` statement, an operator)."""
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError:
        return None
    return tree if isinstance(tree, ast.Call) else None


def tested(expression: str) -> str:
    """What an `if`, `while` or `for` statement looks at, or the expression itself; "" when that cannot be told."""
    head = expression.strip().split("\n")[0].removeprefix("el")
    for text in (expression.strip(), f"{head} pass", head):
        try:
            (statement,) = ast.parse(text).body
        except (SyntaxError, ValueError):
            continue
        match statement:
            case ast.Expr(value=ast.Tuple()):
                return ""  # the left side of an assignment
            case ast.If(test=found) | ast.While(test=found) | ast.For(iter=found) | ast.Expr(value=found):
                return one_line(ast.get_source_segment(text, found) or "")
    return ""


def one_line(expression: str) -> str:
    """An expression of several lines, fit for a message."""
    text = " ".join(part.strip() for part in expression.split("\n"))
    return text if len(text) <= 160 else text[:157] + "..."


def module_here() -> str:
    """The module whose code is being run: of whoever called into Toque."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("toque."):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", ""))
