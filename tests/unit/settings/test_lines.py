"""Keys are found where they were written."""

from __future__ import annotations

import pytest

from toque.settings.lines import locate

TEXT = """\
name = "x"   # line 1
[a]
b.c = 1
"d.e" = 2
[a.f]  # a comment
g = { h = 1 }
[[i]]
j = 1
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (["name"], 1),
        (["a"], 2),
        (["a", "b", "c"], 3),
        (["a", "d.e"], 4),
        (["a", "f"], 5),
        (["a", "f", "g"], 6),
        (["a", "f", "g", "h"], 6),
        (["i", "j"], 8),
        (["a", "missing"], 2),
        (["missing"], 0),
    ],
)
def test_the_line_of_a_key(path: list[str], line: int) -> None:
    assert locate(TEXT, path) == line


def test_a_table_that_is_only_implied_is_where_its_first_child_is() -> None:
    assert locate("\n[a.b]\nc = 1\n", ["a"]) == 2
