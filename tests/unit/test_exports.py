"""`import toque` is cheap, and its names are the same for Python and for type checkers."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import toque

STUB = Path(toque.__file__).with_suffix(".pyi")


def test_the_stub_names_what_the_table_exports_from_the_same_modules() -> None:
    stubbed = {
        (statement.module, alias.asname)
        for statement in ast.parse(STUB.read_text()).body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    exported = {(module, name) for module, names in toque._EXPORTS.items() for name in names}  # type: ignore[attr-defined]
    assert stubbed == exported


def test_every_name_can_be_imported() -> None:
    for name in toque.__all__:  # type: ignore[attr-defined]
        assert getattr(toque, name) is not None
    assert set(toque.__all__) <= set(dir(toque))  # type: ignore[attr-defined]


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(toque, "Tasks")


def test_importing_toque_imports_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import toque; print(*sorted(set(sys.modules) - before))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(found) == {"__future__", "toque"}


def test_defining_a_pipeline_imports_no_client_of_a_third_party() -> None:
    code = """
import sys
from toque import each, flow, group, pipeline, resource, shell, task, use, when
@task
def double(x: int) -> int: ...
@pipeline
def flights(year: int = 2013, full: bool = False):
    double.map(each([1, year]))
flights.ir
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {
        "pydantic",
        "sqlalchemy",
        "alembic",
        "rich",
        "click",
        "pyarrow",
        "pandas",
        "duckdb",
        "psycopg",
        "cloudpickle",
    }
    assert heavy.isdisjoint(found), heavy & set(found)
