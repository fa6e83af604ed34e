"""The measure itself: a limit that cannot be exceeded would protect nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.structure import measure

MODULE = Path("src/toque/example.py")


def rules(source: str, path: Path = MODULE) -> set[str]:
    return {excess.rule for excess in measure.excesses(path, source)}


def test_a_long_module_is_found() -> None:
    assert rules("x = 1\n" * 301) == {"module_lines"}
    assert rules("x = 1\n" * 300) == set()


def test_a_test_module_may_be_longer() -> None:
    assert rules("x = 1\n" * 301, Path("tests/unit/test_x.py")) == set()
    assert rules("x = 1\n" * 801, Path("tests/unit/test_x.py")) == {"module_lines"}


def test_a_long_function_is_found_wherever_it_stands() -> None:
    body = "\n".join("        y = 1" for _ in range(70))
    assert rules(f"class A:\n    def f(self):\n{body}\n") == {"function_lines"}


def test_many_parameters_are_found_but_not_those_of_a_command() -> None:
    signature = "def f(self, a, b, c, d, e, f, g, *, h): ...\n"
    assert rules(signature) == {"parameters"}
    assert rules("@click.command()\n" + signature) == set()


@pytest.mark.parametrize(("body", "found"), [("return 1", {"methods"}), ("...", set())])
def test_many_methods_are_found_but_not_the_declarations_of_a_port(body: str, found: set[str]) -> None:
    methods = "".join(f"    def m{n}(self): {body}\n" for n in range(16))
    assert rules(f"class A:\n{methods}") == found


def test_blank_lines_comments_and_docstrings_are_no_code() -> None:
    assert measure.code_lines("# a\n\nx = 1  # b\n") == 1
    assert measure.code_lines('"""Why.\n\nAt length.\n"""\nx = """a\nb"""\n"""Of x."""\n') == 2
