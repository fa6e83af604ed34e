"""Checks of source text: what tracing cannot see, because Python would simply do it."""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, Final

from toque.authoring.findings import Finding
from toque.authoring.sites import Site

_BRANCHES: Final = frozenset({"when", "otherwise", "case"})

_UNREPEATABLE: Final = {
    ("datetime", "datetime.now"): "toque.now()",
    ("datetime", "datetime.utcnow"): "toque.now()",
    ("datetime", "datetime.today"): "toque.now()",
    ("datetime", "date.today"): "toque.now().date()",
    ("time", "time"): "toque.now().timestamp()",
    ("time", "time_ns"): "toque.now()",
    ("time", "monotonic"): "toque.now()",
    ("time", "perf_counter"): "toque.now()",
    ("time", "sleep"): "await asyncio.sleep(…), or toque.sleep_blocking(…) in a sync flow",
    ("uuid", "uuid1"): "toque.uuid()",
    ("uuid", "uuid4"): "toque.uuid()",
    ("os", "urandom"): "toque.random().randbytes(…)",
}
"""What gives another answer at each replay, by module and name, and what to call instead."""
_UNREPEATABLE_MODULES: Final = {"random": "toque.random()", "secrets": "toque.random()"}


def body_findings(function: Callable[..., Any]) -> Iterator[Finding]:
    """About the body of a pipeline or group: `is None`, and one name for the results of two branches."""
    parsed = _parsed(function)
    if parsed is None:
        return
    tree, offset, file = parsed
    calls = _called_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and _is_none_test(node, calls):
            yield Finding.at(
                Site(file, node.lineno + offset),
                f"{ast.unparse(node)} is decided when the file is loaded: a result is never None there.",
                "decide in a task that is passed the result; branch on a bool with when()",
            )
    for statements in _statement_lists(tree):
        yield from _twice_assigned(statements, tree, offset, file)


def unknown_names(function: Callable[..., Any]) -> Iterator[Finding]:
    """Names in the body of a task that nothing defines: an error that would only be seen when it runs."""
    code: CodeType | None = getattr(inspect.unwrap(function), "__code__", None)
    scope = getattr(function, "__globals__", None)
    if code is None or scope is None:
        return
    seen: set[str] = set()
    for name, line in _global_names(code):
        if name not in scope and not hasattr(builtins, name) and name not in seen:
            seen.add(name)
            import difflib

            near = difflib.get_close_matches(name, [known for known in scope if not known.startswith("__")], n=1)
            yield Finding.at(
                Site(code.co_filename, line),
                f"{name} is not defined; {function.__name__} would fail when it runs.",
                f"did you mean {near[0]}?" if near else f"import or define {name}",
            )


def unrepeatable_calls(function: Callable[..., Any]) -> Iterator[Finding]:
    """Calls in the body of a flow whose answer differs from replay to replay."""
    parsed = _parsed(function)
    if parsed is None:
        return
    tree, offset, file = parsed
    scope = getattr(inspect.unwrap(function), "__globals__", {})
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        found = _resolved(node.func, scope)
        instead = _instead(found)
        if instead:
            yield Finding.at(
                Site(file, node.lineno + offset),
                f"{ast.unparse(node.func)}() gives another answer when the flow is replayed after a crash.",
                instead,
                severity="warning",
            )


def _parsed(function: Callable[..., Any]) -> tuple[ast.AST, int, str] | None:
    raw = inspect.unwrap(function)
    try:
        lines, first = inspect.getsourcelines(raw)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return None
    return tree, first - 1, raw.__code__.co_filename


def _called_names(tree: ast.AST) -> set[str]:
    """Names that are bound to what a call returns."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            for target in node.targets:
                found |= {part.id for part in ast.walk(target) if isinstance(part, ast.Name)}
        if isinstance(node, ast.NamedExpr) and isinstance(node.value, ast.Call):
            found.add(node.target.id)
    return found


def _is_none_test(node: ast.Compare, calls: set[str]) -> bool:
    if not isinstance(node.ops[0], ast.Is | ast.IsNot):
        return False
    sides = (node.left, node.comparators[0])
    has_none = any(isinstance(side, ast.Constant) and side.value is None for side in sides)
    return has_none and any(isinstance(side, ast.Name) and side.id in calls for side in sides)


def _statement_lists(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            yield body


def _twice_assigned(statements: list[ast.stmt], tree: ast.AST, offset: int, file: str) -> Iterator[Finding]:
    first_line: dict[str, int] = {}
    for statement in statements:
        if not isinstance(statement, ast.With) or not _is_branch(statement):
            continue
        for name, line in _assigned(statement).items():
            if name not in first_line:
                first_line[name] = line
            elif _read_after(tree, name, statement.end_lineno or line):
                yield Finding.at(
                    Site(file, line + offset),
                    f"{name} is assigned in two branches (first at line {first_line[name] + offset}): whoever reads it "
                    "later waits for this one only.",
                    f"give the results two names, then {name} = one_of(a, b)",
                )


def _is_branch(statement: ast.With) -> bool:
    for item in statement.items:
        call = item.context_expr
        if isinstance(call, ast.Call):
            name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
            if name in _BRANCHES:
                return True
    return False


def _assigned(statement: ast.With) -> dict[str, int]:
    found: dict[str, int] = {}
    for node in statement.body:
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                found.setdefault(part.id, part.lineno)
    return found


def _read_after(tree: ast.AST, name: str, line: int) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load) and node.lineno > line
        for node in ast.walk(tree)
    )


def _global_names(code: CodeType) -> Iterator[tuple[str, int]]:
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        line = instruction.starts_line or line
        if instruction.opname == "LOAD_GLOBAL":
            yield str(instruction.argval), line
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _global_names(constant)


def _resolved(node: ast.expr, scope: dict[str, Any]) -> Any:
    match node:
        case ast.Name(id=name):
            return scope.get(name)
        case ast.Attribute(value=value, attr=attribute):
            owner = _resolved(value, scope)
            return getattr(owner, attribute, None) if owner is not None else None
        case _:
            return None


def _instead(found: Any) -> str:
    module = getattr(found, "__module__", None)
    owner = getattr(found, "__self__", None)
    if isinstance(owner, type):
        module = owner.__module__
    elif owner is not None and getattr(type(owner), "__module__", "") == "random":
        return _UNREPEATABLE_MODULES["random"]  # random.random and its like are methods of one hidden instance
    if module in ("posix", "nt"):
        module = "os"
    if module in _UNREPEATABLE_MODULES:
        return _UNREPEATABLE_MODULES[module]
    return _UNREPEATABLE.get((module or "", getattr(found, "__qualname__", "")), "")
