"""The tutorial, followed word for word."""

from __future__ import annotations

from pathlib import Path

from tests.examples.conftest import ROOT, Shell, blocks

TUTORIAL = ROOT / "docs" / "tutorial.md"


def commands() -> list[list[str]]:
    """The console blocks, each as its commands."""
    found = [
        [line[2:] for line in block.splitlines() if line.startswith("$ ")] for block in blocks(TUTORIAL, "console")
    ]
    return [block for block in found if block]


def write_files(project: Path) -> list[str]:
    """Write each Python block where its first line says."""
    names = []
    for block in blocks(TUTORIAL, "python"):
        name = block.splitlines()[0].removeprefix("# ")
        (project / name).write_text(block)
        names.append(name)
    return names


def test_every_command_of_the_tutorial_works(shell: Shell, tmp_path: Path) -> None:
    project = tmp_path / "shop"
    begin, look, again = commands()
    assert begin == ["toque init shop", "cd shop", "toque run pipelines/words.py"]
    shell(begin[0], tmp_path)
    shell(begin[2], project)

    assert write_files(project) == ["pipelines/orders.py", "tests/test_orders.py"]
    said = [shell(command, project).stdout for command in look]
    assert "no problems" in said[0]
    assert "a good day: 7" in said[2]
    assert "reading the orders of 2026-03-02" in said[3]

    for command in again:
        assert "a good day: 7" in shell(command, project).stdout
    assert "4 passed" in shell("python -m pytest -q -p no:cacheprovider", project).stdout
