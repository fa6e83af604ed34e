"""Measures source files: what the structure test holds against the limits of the house style."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

MODULE_LINES = 300
TEST_MODULE_LINES = 800
FUNCTION_LINES = 70
PARAMETERS = 7
METHODS = 15
VAGUE_MODULES = frozenset({"utils", "util", "common", "helpers", "helper", "misc", "base"})


@dataclass(frozen=True)
class Excess:
    """Something above a limit."""

    rule: str
    where: str
    actual: int

    def __str__(self) -> str:
        return f"{self.where}: {self.rule} = {self.actual}"


def tracked(*patterns: str) -> list[Path]:
    """Files that git tracks or would track, relative to the root."""
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [Path(name) for name in sorted(filter(None, listing.split("\0"))) if (ROOT / name).is_file()]


def excesses(path: Path, source: str) -> Iterator[Excess]:
    """Everything in one module that is above a limit."""
    limit = TEST_MODULE_LINES if path.parts[0] in {"tests", "benchmarks"} else MODULE_LINES
    lines = source.count("\n")
    if lines > limit:
        yield Excess("module_lines", str(path), lines)
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _function_excesses(path, node)
            case ast.ClassDef():
                yield from _class_excesses(path, node)
            case _:
                pass


def code_lines(source: str) -> int:
    """Lines that are neither blank, nor a comment, nor a docstring (of whatever it may be)."""
    prose: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            prose.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return sum(
        1
        for number, line in enumerate(source.splitlines(), 1)
        if number not in prose and line.strip() and not line.lstrip().startswith("#")
    )


def _function_excesses(path: Path, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Excess]:
    where = f"{path}:{node.name}"
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    if length > FUNCTION_LINES:
        yield Excess("function_lines", where, length)
    spec = node.args
    names = [argument.arg for argument in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
    count = len([name for name in names if name not in {"self", "cls"}])
    # The options of a command are its parameters: click passes each by name.
    if count > PARAMETERS and not _is_command(node) and path.parts[0] == "src":
        yield Excess("parameters", where, count)


def _class_excesses(path: Path, node: ast.ClassDef) -> Iterator[Excess]:
    methods = [
        item
        for item in node.body
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_declaration(item)
    ]
    # A port lists what all adapters must offer, and a state machine of Hypothesis is a list of rules.
    if len(methods) > METHODS and path.parts[0] == "src":
        yield Excess("methods", f"{path}:{node.name}", len(methods))


def _is_command(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("click." in ast.unparse(decorator) for decorator in node.decorator_list)


def _is_declaration(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A method of a protocol: a docstring and `...`, or an overload."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return all(isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant) for item in body) or any(
        "overload" in ast.unparse(decorator) for decorator in node.decorator_list
    )
