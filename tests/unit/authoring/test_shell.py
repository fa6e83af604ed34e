"""Commands: what they print, how they end."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from toque.authoring.shells import shell
from toque.errors import TransientError, UserError
from toque.worker.control import Skip
from toque.worker.shell import CommandFailed, CommandRefused


def test_the_last_line_is_the_result(capfd: pytest.CaptureFixture[str]) -> None:
    assert shell("echo one; echo two; echo; echo error >&2", name="say")() == "two"
    printed = capfd.readouterr()
    assert printed.out.split() == ["one", "two"]
    assert printed.err.split() == ["error"]


@pytest.mark.parametrize("value", ["a b", "$(rm -rf /)", "'; exit 3; '", "", "ü\n"])
def test_values_are_quoted(value: str) -> None:
    assert shell("printf '[%s]' {value}", name="say")(value=value) == f"[{value}]".splitlines()[-1]


def test_a_list_is_run_without_a_shell() -> None:
    assert (
        shell([sys.executable, "-c", "import sys; print(sys.argv[1])", "{value}"], name="say")(value="$HOME") == "$HOME"
    )


def test_environment_and_directory(tmp_path: Any) -> None:
    say = shell("echo $GREETING; pwd", name="say", env={"GREETING": "hello"}, cwd=str(tmp_path))
    assert os.path.realpath(say()) == os.path.realpath(tmp_path)


@pytest.mark.parametrize(
    ("code", "error", "text"),
    [
        (4, CommandFailed, "'exit 4' exited with 4"),
        (75, TransientError, "'exit 75' exited with 75"),
        (99, Skip, "'exit 99' exited with 99"),
        (5, CommandRefused, "'exit 5' exited with 5"),
    ],
)
def test_exit_codes_are_outcomes(code: int, error: type[Exception], text: str) -> None:
    command = shell(f"exit {code}", name="end", exits={75: "retry", 99: "skip", 5: "fail", 6: "success"})
    with pytest.raises(error, match=text):
        command()


def test_an_exit_code_can_be_a_success() -> None:
    assert shell("echo done; exit 6", name="end", exits={6: "success"})() == "done"


def test_a_pipe_fails_with_its_first_part() -> None:
    with pytest.raises(CommandFailed):
        shell("false | cat", name="pipe")()


def test_a_signal_is_named() -> None:
    with pytest.raises(CommandFailed, match="was killed by SIGTERM"):
        shell("kill -TERM $$", name="end")()


def test_output_that_is_no_text_is_replaced() -> None:
    assert shell("printf '\\377'", name="say")() == "�"


def test_the_name_is_that_of_the_executable() -> None:
    names = [shell(command).name for command in ("/usr/bin/pg_dump shop", "PAGER=cat git log", ["dbt", "run"])]
    assert names == ["pg_dump", "git", "dbt"]


def test_a_command_keeps_its_fields_through_options() -> None:
    say = shell("echo {value}", name="say").options(retries=2).after()
    assert say(value="x") == "x"
    assert say.settings["retries"] == 2
    assert repr(say) == "<shell `echo {value}`>"


def test_an_unknown_option_is_met_with_those_of_a_shell_task() -> None:
    with pytest.raises(UserError, match="A shell task has no option 'exit'") as caught:
        shell("true", exit={1: "skip"})  # type: ignore[call-arg]
    assert caught.value.fix == "exits=…"
    with pytest.raises(UserError) as caught:
        shell("true", colour="red")  # type: ignore[call-arg]
    for option in ("cwd", "env", "exits", "retries"):
        assert option in str(caught.value.fix)
