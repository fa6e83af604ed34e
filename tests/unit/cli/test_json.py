"""`--json`: each command says one document on standard output, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Toque

FLOW = """\
from toque import pipeline, task

@task
def extract() -> int:
    print("out of the task")
    return 1

@pipeline
def numbers():
    return extract()
"""

COMMANDS = {
    ("check",): {"files", "pipelines", "problems"},
    ("list",): {"pipelines", "broken"},
    ("show", "numbers"): {"ir", "text"},
    ("runs", "r2"): {"run_id", "tasks", "failures"},
    ("cancel", "r3"): {"owned"},
    ("versions",): set(),
    ("runs",): set(),
    ("connections", "list"): set(),
    ("connections", "test"): set(),
    ("prune",): set(),
    ("db", "upgrade"): {"before", "after"},
    ("diff", "1111.aaaa", "1111.aaaa", "--no-code"): {"old", "new", "graph", "code"},
    ("trigger", "flow.py"): {"run_id"},
    ("init", "other"): {"project", "made", "kept"},
}


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_command_says_one_document(toque: Toque, history: Path, arguments: tuple[str, ...]) -> None:
    (history / "flow.py").write_text(FLOW)
    answer = toque(*arguments, "--json")
    assert (answer.code, answer.err) == (0, "")
    assert isinstance(answer.json, dict | list)
    assert COMMANDS[arguments] <= set(answer.json if isinstance(answer.json, dict) else ())


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("runs", "gone"), 4),
        (("show", "gone"), 4),
        (("connections", "test", "gone"), 4),
        (("check", "gone.py"), 4),
        (("rollback", "gone"), 4),
        (("mark", "r3", "extract", "perhaps"), 2),
        (("cancel", "r1"), 2),
        (("init",), 2),
    ],
    ids=str,
)
def test_an_error_is_one_document_too(toque: Toque, history: Path, arguments: tuple[str, ...], code: int) -> None:
    answer = toque(*arguments, "--json")
    assert (answer.code, answer.json["error"]["exit_code"]) == (code, code)
    assert answer.json["error"]["message"]


def test_what_a_check_finds_is_part_of_the_document(toque: Toque, project: Path) -> None:
    (project / "broken.py").write_text("import toque\n(")
    answer = toque("check", "--json")
    (problem,) = answer.json["problems"]
    assert (answer.code, Path(problem["file"]).name) == (2, "broken.py")
