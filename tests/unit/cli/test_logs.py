"""`logs`: the files of many attempts as one stream."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Toque
from toque.cli import log_files
from toque.cli.log_files import Wanted, attempt_logs, follow, read


def write(directory: Path, task: str, name: str, *lines: tuple[int, str], level: str = "info") -> Path:
    path = directory / task / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        for t, text in lines:
            file.write(json.dumps({"t": t, "level": level, "stream": "stdout", "msg": text}) + "\n")
    return path


def everything(directory: Path, wanted: Wanted | None = None) -> list[str]:
    return [line.msg for line in read(attempt_logs(directory, wanted or Wanted()))]


def test_lines_of_all_attempts_come_in_order_of_time(tmp_path: Path) -> None:
    write(tmp_path, "a", "_-1", (1, "one"), (4, "four"))
    write(tmp_path, "b", "0-1", (2, "two"), (3, "three"))
    assert everything(tmp_path) == ["one", "two", "three", "four"]


def test_many_files_are_read_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "MERGED_FILES", 1)
    write(tmp_path, "a", "10-1", (1, "later index"))
    write(tmp_path, "a", "9-1", (2, "earlier index"))
    assert everything(tmp_path) == ["earlier index", "later index"]


def test_the_file_name_says_whose_line_it_is(tmp_path: Path) -> None:
    write(tmp_path, "flow~~fetch", "3.1-2", (1, "x"))
    (line,) = read(attempt_logs(tmp_path, Wanted()))
    assert (line.task, line.map_index, line.attempt) == ("flow//fetch", (3, 1), 2)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted("a"), ["a", "a again"]),
        (Wanted("a", attempt=2), ["a again"]),
        (Wanted("m", (1,)), ["m1", "m1.0"]),
        (Wanted("m", (1, 0)), ["m1.0"]),
        (Wanted("z"), []),
    ],
)
def test_a_reader_may_want_less(tmp_path: Path, wanted: Wanted, found: list[str]) -> None:
    write(tmp_path, "a", "_-1", (1, "a"))
    write(tmp_path, "a", "_-2", (2, "a again"))
    write(tmp_path, "m", "0-1", (3, "m0"))
    write(tmp_path, "m", "1-1", (4, "m1"))
    write(tmp_path, "m", "1.0-1", (5, "m1.0"))
    assert everything(tmp_path, wanted) == found


def test_a_line_that_a_kill_cut_in_two_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, "a", "_-1", (1, "whole"))
    with path.open("a") as file:
        file.write('{"t": 2, "msg": "ha')
    assert everything(tmp_path) == ["whole"]


def test_following_yields_what_comes_until_the_run_is_over(tmp_path: Path) -> None:
    first = write(tmp_path, "a", "_-1", (1, "before"))
    rounds = 0

    def next_round() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            with first.open("a") as file:
                file.write('{"t": 2, "msg": "in tw')
        elif rounds == 2:
            with first.open("a") as file:
                file.write('o parts"}\n')
            write(tmp_path, "b", "_-1", (3, "another task"))

    lines = follow(lambda: attempt_logs(tmp_path, Wanted()), lambda: rounds >= 3, next_round)
    assert [line.msg for line in lines] == ["before", "in two parts", "another task"]


def test_what_was_written_just_before_the_end_is_not_lost(tmp_path: Path) -> None:
    def ends() -> bool:
        write(tmp_path, "a", "_-1", (1, "last words"))
        return True

    assert [line.msg for line in follow(lambda: attempt_logs(tmp_path, Wanted()), ends, lambda: None)] == ["last words"]


def test_the_command_prints_source_and_text(toque: Toque, history: Path) -> None:
    logs = history / ".toque" / "logs" / "r2"
    write(logs, "extract", "_-1", (1, "hello"))
    write(logs, "load", "3-2", (2, "trouble"), level="error")
    lines = toque("logs", "r2").out.splitlines()
    assert [line.split("  ", 1)[1] for line in lines] == ["extract  hello", "load[3]#2  trouble"]
    assert toque("logs", "r2", "load[3]").out.endswith("load[3]#2  trouble\n")
    assert "hello" not in toque("logs", "r2", "--level", "warning").out
    assert toque("logs", "r2", "-n", "1").out.count("\n") == 1
    assert toque("logs", "r2", "-f").out.count("\n") == 2


def test_the_command_prints_json_lines(toque: Toque, history: Path) -> None:
    write(history / ".toque" / "logs" / "r2", "load", "3-2", (2, "x"))
    data = json.loads(toque("logs", "r2", "--json").out)
    assert (data["task"], data["map_index"], data["attempt"], data["msg"]) == ("load", [3], 2, "x")


def test_a_task_that_said_nothing_differs_from_one_that_is_not_there(toque: Toque, history: Path) -> None:
    said = toque("logs", "r2", "extract", "--level", "error")
    assert (said.code, said.out) == (0, "")
    assert said.err == "nothing was logged by extract at error or above\n"
    assert toque("logs", "r2", "extrakt").code == 4
