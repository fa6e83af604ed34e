"""Small texts: tables, times, names of task runs and targets."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from toque.cli.options import split_target, split_task_run
from toque.cli.output import dump, table
from toque.cli.times import between, clock, moment, span
from toque.errors import NotFound, UserError
from toque.settings import Secret


def test_columns_are_aligned_and_states_coloured() -> None:
    text = table(["A", "STATE"], [("x", "failed"), ("longer", "ok")])
    assert click.unstyle(text).splitlines() == ["A       STATE", "x       failed", "longer  ok"]
    assert click.style("failed", fg="red") in text


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "0 ms"),
        (-5, "0 ms"),
        (340_000, "340 ms"),
        (1_240_000, "1.2 s"),
        (59_900_000, "59.9 s"),
        (185_000_000, "3 m 05 s"),
        (7_800_000_000, "2 h 10 m"),
    ],
)
def test_durations_are_short(us: int, text: str) -> None:
    assert span(us) == text


def test_times_that_are_not_there_are_empty() -> None:
    assert (moment(0), between(0, 5), between(5, 0), between(0, 0)) == ("", "", "", "")
    assert between(1, 2_000_001) == "2.0 s"


def test_times_are_local(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Europe/Madrid")
    time.tzset()
    try:
        assert moment(1_774_742_400_000_000) == "2026-03-29 01:00:00"
        assert clock(1_774_742_400_250_000) == "01:00:00.250"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(("text", "found"), [("a", ("a", ())), ("a[3]", ("a", (3,))), ("g.a[3.1]", ("g.a", (3, 1)))])
def test_task_runs_are_named_as_they_are_shown(text: str, found: tuple[str, tuple[int, ...]]) -> None:
    assert split_task_run(text) == found


def test_a_wrong_map_index_is_refused() -> None:
    with pytest.raises(UserError, match="not a task run"):
        split_task_run("a[b]")


def test_a_target_is_a_file_and_a_name(tmp_path: Path) -> None:
    file = tmp_path / "flow.py"
    file.write_text("")
    odd = tmp_path / "a:b.py"
    odd.write_text("")
    assert split_target(str(file)) == (file, "")
    assert split_target(f"{file}:daily") == (file, "daily")
    assert split_target(str(odd)) == (odd, "")
    with pytest.raises(NotFound, match=r"no file .*gone\.py"):
        split_target(str(tmp_path / "gone.py"))


def test_json_writes_what_it_does_not_know_by_its_text() -> None:
    assert dump({"path": Path("a/b"), "key": Secret("literal", "x")}) == (
        '{\n  "path": "a/b",\n  "key": "Secret(***)"\n}'
    )
