"""References: how the graph names a function without holding it, and the hash of its source."""

from __future__ import annotations

import hashlib
import inspect
import linecache
import re
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from toque.authoring import sites
from toque.errors import UserError
from toque.graph.ir import CodeRef

_DEFINITION = re.compile(r"^\s*(async\s+def|def|class)\b")


def code_ref(function: Callable[..., Any], role: str = "a task") -> CodeRef:
    """Where `function` can be imported from. `role` says in errors what it was to be.

    Raises `UserError` for lambdas, functions defined inside functions and bound methods: a worker imports code by
    its name, and those have none.
    """
    raw = getattr(function, "__toque_function__", function)
    module = getattr(raw, "__module__", None)
    qualname = getattr(raw, "__qualname__", None)
    if not module or not qualname:
        raise sites.refuse(
            f"{raw!r} cannot be {role}: a worker finds code by module and name, and it has none.",
            fix="define a function with `def` at the top level of a module",
        )
    if "<lambda>" in qualname:
        raise _unreachable(raw, f"A lambda cannot be {role}: a worker finds code by its name, and a lambda has none.")
    if "<locals>" in qualname:
        outer = qualname.split(".<locals>")[0]
        raise _unreachable(
            raw,
            f"{qualname.rpartition('.')[2]} cannot be {role}: it is defined inside {outer}(), where a worker cannot "
            "find it.",
        )
    mode = "async" if is_async(raw) else "sync"
    return CodeRef(module=module, qualname=qualname, source_hash=source_hash(raw), mode=mode)  # type: ignore[arg-type]


def place_of(thing: object, what: str, fix: str) -> CodeRef:
    """The module-level name of an object, found where it is used: that is how a worker gets at it. Raises `UserError`
    for one that has none; `what` begins its message."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("toque."):
        frame = frame.f_back  # type: ignore[assignment]
    scope = frame.f_globals if frame is not None else {}
    for name, value in scope.items():
        if value is thing:
            return CodeRef(module=scope["__name__"], qualname=name)
    raise sites.refuse(f"{what} by its name in a module.", fix=fix)


def is_async(function: Callable[..., Any]) -> bool:
    """A call of it makes a coroutine."""
    return inspect.iscoroutinefunction(inspect.unwrap(function))


@lru_cache(maxsize=8192)
def source_hash(function: Callable[..., Any]) -> str:
    """Hash of the function's own text, without its decorators: another retry count is no other code.

    "" for code outside of the bundle. What it calls in other functions is covered by the bundle's hash. Computed once
    for a function: a flow asks at each step, and whoever edits the text makes another function.
    """
    raw = inspect.unwrap(function)
    code = getattr(raw, "__code__", None)
    if code is None:
        return _class_hash(raw) if isinstance(raw, type) else ""
    if sites.is_library(code.co_filename):
        return ""
    linecache.checkcache(code.co_filename)
    try:
        lines, _ = inspect.getsourcelines(raw)
    except (OSError, TypeError):
        # Typed into a prompt: the byte code stands in for the text.
        return _digest(repr((code.co_code, code.co_names, code.co_varnames, _constants(code.co_consts))))
    return _digest(_without_decorators(lines))


def _class_hash(kind: type) -> str:
    module = inspect.getmodule(kind)
    file = getattr(module, "__file__", None)
    if not file or sites.is_library(file):
        return ""
    try:
        return _digest(_without_decorators(inspect.getsourcelines(kind)[0]))
    except (OSError, TypeError):
        return ""


def _without_decorators(lines: list[str]) -> str:
    for number, line in enumerate(lines):
        if _DEFINITION.match(line):
            return inspect.cleandoc("\n" + "".join(lines[number:]))
    return "".join(lines)


def _constants(constants: tuple[Any, ...]) -> list[str]:
    # Nested code objects print their address, which differs from process to process.
    return [item.co_name if hasattr(item, "co_code") else repr(item) for item in constants]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _unreachable(function: Callable[..., Any], message: str) -> UserError:
    site = sites.here_exactly()
    if not site.file:
        site = sites.definition(function)
    return site.error(message, fix="define it with `def` at the top level of the module")
