"""The source of a task, cut from the file of its bundle. Parsed, never imported."""

from __future__ import annotations

import ast
import asyncio

from toque.api.lookups import find_version
from toque.api.services import Services
from toque.api.wire.tasks import TaskCode
from toque.errors import NotFound
from toque.graph.ir import CodeRef, TaskNode


async def code_of(asked: Services, version: str, node: TaskNode) -> TaskCode | None:
    """None for built-ins, code of other distributions, and bundles that are not on this machine."""
    row = await find_version(asked, version)
    try:
        return await asyncio.to_thread(_found, asked, row.bundle, node.code)
    except NotFound:
        return None


def _found(asked: Services, bundle: str, code: CodeRef) -> TaskCode | None:
    ending = code.module.replace(".", "/")
    for file in asked.code.files(bundle):
        stem = file.path.removesuffix(".py").removesuffix("/__init__")
        if file.path.endswith(".py") and (stem == ending or stem.endswith(f"/{ending}")):
            text = asked.code.text(bundle, file.path)
            line, cut = _cut(text, code.qualname)
            return TaskCode(file=file.path, line=line, text=cut) if cut else None
    return None


def _cut(text: str, qualname: str) -> tuple[int, str]:
    """First line and source of a function, decorators included; (0, "") when it is not there."""
    try:
        body: list[ast.stmt] = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        return 0, ""
    node: ast.stmt | None = None
    for part in (part for part in qualname.split(".") if part != "<locals>"):
        node = next(
            (
                each
                for each in body
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and each.name == part
            ),
            None,
        )
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return 0, ""
        body = node.body
    if node is None or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return 0, ""
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return first, "\n".join(text.splitlines()[first - 1 : node.end_lineno])
