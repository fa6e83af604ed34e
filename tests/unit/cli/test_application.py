"""The group itself: its table of commands, exit codes, and what an error looks like."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import click
import pytest

from tests.unit.cli.conftest import Toque
from toque.cli.application import COMMANDS
from toque.cli.application import toque as group
from toque.cli.exits import Exit, exit_for
from toque.errors import DataError, NotFound, ToqueBug, TransientError, UserError
from toque.ports.store import AlreadyServed, SchemaOutdated, StoreUnavailable


def test_help_lists_every_command_and_the_exit_codes(toque: Toque) -> None:
    text = toque("--help").out
    assert [line.split()[0] for line in text.splitlines() if line.startswith("  ") and line.split()[0] in COMMANDS] == [
        *COMMANDS
    ]
    assert "Exit codes: 0 ok, 1 run failed" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_imported_and_explains_itself(toque: Toque, name: str) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    assert command.help
    assert toque(name, "--help").code == 0


def test_help_imports_no_command_and_no_store() -> None:
    code = (
        "import sys\n"
        "from toque.cli.application import call\n"
        "call(['--help'])\n"
        "heavy = {'sqlalchemy', 'rich', 'pydantic', 'toque.store', 'toque.engine', 'asyncio'}\n"
        "print(sorted(heavy & set(sys.modules)), [m for m in sys.modules if m.startswith('toque.cli.commands')])\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "[] []"


def test_a_mistyped_command_names_the_nearest(toque: Toque) -> None:
    answer = toque("versoins")
    assert (answer.code, "Did you mean 'versions'" in answer.err) == (2, True)


def test_a_file_in_place_of_a_command_is_taken_for_what_it_was_meant_to_be(toque: Toque) -> None:
    assert "Did you mean: toque run flow.py" in toque("flow.py").err


def test_a_wrong_option_is_a_usage_error(toque: Toque) -> None:
    answer = toque("runs", "--nonsense")
    assert (answer.code, answer.out) == (2, "")
    assert "Try: toque runs --help" in answer.err


def test_an_error_is_one_json_document_when_json_was_asked_for(toque: Toque) -> None:
    error = toque("runs", "--json").json["error"]
    assert (error["exit_code"], error["fix"]) == (4, "toque run FILE")
    assert toque("runs", "--json", "--limit", "x").json["error"]["exit_code"] == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UserError("x"), Exit.USAGE),
        (NotFound("x"), Exit.NOT_FOUND),
        (AlreadyServed(7), Exit.ALREADY_SERVED),
        (StoreUnavailable("x"), Exit.UNAVAILABLE),
        (SchemaOutdated("x"), Exit.UNAVAILABLE),
        (TransientError("x"), Exit.UNAVAILABLE),
        (KeyboardInterrupt(), Exit.INTERRUPTED),
        (ToqueBug("x"), Exit.BUG),
        (DataError("x"), Exit.BUG),
        (ValueError("x"), Exit.BUG),
    ],
)
def test_each_error_has_its_exit_code(error: BaseException, code: Exit) -> None:
    assert exit_for(error) is code


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UserError("no such thing", file="flow.py", line=3, source="x = y", fix="x = 1"), 2, "flow.py:3  x = y\n"),
        (AlreadyServed(4711), 3, "pid 4711"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ZeroDivisionError("by zero"), 70, "defect of Toque"),
    ],
)
def test_an_error_of_a_command_becomes_its_exit_code_and_a_message(
    toque: Toque, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(import_module("toque.cli.commands.runs"), "in_store", broken)
    answer = toque("runs")
    assert (answer.code, said in answer.err) == (code, True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_call_toque(toque: Toque, shell: str) -> None:
    answer = toque("completion", shell)
    assert answer.code == 0
    assert "_TOQUE_COMPLETE" in answer.out


def test_the_shell_completes_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"_TOQUE_COMPLETE": "bash_complete", "COMP_WORDS": "toque ver", "COMP_CWORD": "1"}
    code = "from toque.cli import main; main()"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ, check=False).stdout
    assert "versions" in said
