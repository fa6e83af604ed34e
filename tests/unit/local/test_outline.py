"""What a file seems to define, read from text that need not be Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from toque.local.outline import outline, outline_of


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("@pipeline\ndef one():\n    pass\n", ["one"]),
        ("@toque.pipeline(schedule='0 7 * * *')\ndef one(n: int = 1):\n", ["one"]),
        ('@pipeline(\n    owner="ann",\n    name="other",\n)\ndef one():\n', ["other"]),
        ("@flow\nasync def one():\n", ["one"]),
        ("@pipeline\n@logged\ndef one():\n", ["one"]),
        ("@task\ndef one():\n    pass\n\n@pipeline()\ndef two():\n    (((\n", ["two"]),
        ("@pipeline\ndef one():\n    a =\n\n\n@pipeline(tags=['x'])\ndef two():\n", ["one", "two"]),
        ("@pipelines\ndef one():\n", []),
        ("# @pipeline\ndef one():\n", []),
    ],
)
def test_decorated_functions_are_found_in_broken_files_too(text: str, names: list[str]) -> None:
    assert outline(text) == names


def test_a_file_that_is_gone_defines_nothing(tmp_path: Path) -> None:
    assert outline_of(tmp_path / "gone.py") == []
