"""`shell("…")`: any executable as a task."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.attempts import spec
from toque.engine.inputs import AttemptFailed, AttemptSkipped
from toque.errors import TransientError, UserError
from toque.graph import constants
from toque.graph.expr import Const
from toque.graph.ir import CodeRef, TaskNode
from toque.worker import attempt
from toque.worker.control import Cancelled, Skip
from toque.worker.environment import Environment
from toque.worker.shell import CommandFailed, CommandRefused, run_shell


def run(command: Any, exits: Any = None, env: Any = None, cwd: str = "", **fields: Any) -> str:
    return run_shell(command, exits or {}, env or {}, cwd, **fields)


def test_the_last_line_is_the_result(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("echo one; echo two; echo") == "two"
    assert run("true") == ""
    assert "one" in capfd.readouterr().out


def test_fields_are_quoted_for_the_shell() -> None:
    assert run("echo {text}", text="a; echo b $(c)") == "a; echo b $(c)"
    assert run("printf '%s,' {many}", many=["a b", "c"]) == "a b,c,"


def test_a_list_runs_without_a_shell() -> None:
    assert run(["echo", "{text}", "$HOME"], text="a  b") == "a  b $HOME"


def test_environment_and_working_directory(tmp_path: Path) -> None:
    assert run("echo $COLOUR; pwd", env={"COLOUR": "red"}, cwd=str(tmp_path)) == str(tmp_path)
    assert run("echo $COLOUR", env={"COLOUR": "red"}) == "red"


def test_a_failure_inside_of_a_pipe_counts() -> None:
    with pytest.raises(CommandFailed, match="exited with 3"):
        run("(exit 3) | cat")


@pytest.mark.parametrize(
    ("ending", "error"),
    [("skip", Skip), ("retry", TransientError), ("fail", CommandRefused), (None, CommandFailed)],
)
def test_exit_codes_have_meanings(ending: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="exited with 75"):
        run("exit 75", exits={75: ending} if ending else {})
    assert run("echo ok; exit 75", exits={75: "success"}) == "ok"
    with pytest.raises(Skip):
        run("exit 0", exits={0: "skip"})


def test_a_command_that_is_killed_says_by_what() -> None:
    with pytest.raises(CommandFailed, match="was killed by SIGTERM"):
        run("kill -TERM $$")


def test_what_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no-such-program: no such file"):
        run(["no-such-program"])
    with pytest.raises(UserError, match="missing: no such file"):
        run("true", cwd=str(tmp_path / "missing"))


def test_a_background_child_does_not_hold_the_task(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert run(f"(cat {fifo}; true) & echo done") == "done"
    fifo.write_text("")


def shell_node(command: str, exits: Any = None) -> TaskNode:
    args = tuple(Const(constants.encode(value)) for value in (command, exits or {}, {}, ""))
    return TaskNode(id="sh", code=CodeRef(module="toque.worker.shell", qualname="run_shell"), args=args)


def test_both_streams_are_in_the_log(env: Environment, tmp_path: Path) -> None:
    log = tmp_path / "log"
    attempt.execute(spec(shell_node("echo out; echo err >&2; printf tail"), log_path=str(log)), env)
    lines = {(line["stream"], line["msg"]) for line in map(json.loads, log.read_text().splitlines())}
    assert lines == {("stdout", "out"), ("stderr", "err"), ("stdout", "tail")}


def test_as_a_task_it_knows_its_attempt_and_its_exit_codes(env: Environment) -> None:
    report: Any = attempt.execute(spec(shell_node("echo $TOQUE_TASK/$TOQUE_ATTEMPT/$TOQUE_IDEMPOTENCY_KEY")), env)
    assert report.result.inline == b'"sh/1/key-sh"'
    assert isinstance(attempt.execute(spec(shell_node("exit 99", {99: "skip"})), env), AttemptSkipped)
    refused = attempt.execute(spec(shell_node("exit 4", {4: "fail"})), env)
    assert isinstance(refused, AttemptFailed)
    assert not refused.error.retryable
    transient = attempt.execute(spec(shell_node("exit 75", {75: "retry"})), env)
    assert isinstance(transient, AttemptFailed)
    assert transient.error.kind == "transient"


def test_whatever_ends_the_task_ends_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"

    def cancelled(stream: str, data: bytes) -> None:
        pid_file.write_bytes(data)
        raise Cancelled

    monkeypatch.setattr("toque.worker.shell._emit", cancelled)
    with pytest.raises(Cancelled):
        run("echo $$; exec sleep 1000")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
