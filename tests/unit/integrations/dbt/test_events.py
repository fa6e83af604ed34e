"""What dbt says, heard."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from toque.integrations.dbt.events import Began, Ear, Ended, Said, heard, rows_of, status_of


def line(name: str, msg: str = "", *, node: str = "", level: str = "debug", **data: Any) -> bytes:
    """A line of dbt's log."""
    if node:
        data["node_info"] = {"unique_id": node}
    info = {"name": name, "msg": msg, "level": level, "ts": "2026-11-23T03:20:12.500000Z"}
    return msgspec.json.encode({"info": info, "data": data})


def test_a_node_begins_and_ends() -> None:
    result = {"status": "success", "message": "\x1b[32mSELECT 3\x1b[0m", "adapter_response": {"rows_affected": 3}}
    said = line("NodeStart", node="model.shop.a") + b"\n" + line("NodeFinished", node="model.shop.a", run_result=result)
    began, ended = Ear().feed(said + b"\n")
    assert isinstance(began, Began)
    assert began.at_us == 1_795_404_012_500_000
    assert ended == Ended(
        unique_id="model.shop.a", at_us=began.at_us, status="success", message="SELECT 3", rows=3, failures=None
    )


def test_lines_are_put_together_however_the_pipe_cuts_them() -> None:
    said = b"".join(line("NodeStart", node=f"model.shop.m{n}") + b"\n" for n in range(50))
    ear = Ear()
    found = [event for at in range(0, len(said), 7) for event in ear.feed(said[at : at + 7])]
    assert [event.unique_id for event in found] == [f"model.shop.m{n}" for n in range(50)]
    assert list(ear.end()) == []


def test_a_line_that_a_kill_cut_off_is_said_as_it_is() -> None:
    ear = Ear()
    assert list(ear.feed(b'{"info": {"na')) == []
    assert list(ear.end()) == [Said(unique_id="", level="info", text='{"info": {"na')]


def test_a_line_belongs_to_the_node_that_it_is_about() -> None:
    ear = Ear()
    found = list(
        ear.feed(
            line("SQLQuery", "select 1", node="model.shop.a")
            + b"\n"
            + line("ConnectionReused", "again", conn_name="test.shop.b.1")
            + b"\n"
            + line("FoundStats", "Found 3 models", level="info")
            + b"\n"
            + line("Formatting", "")
            + b"\n"
        )
    )
    assert found == [
        Said(unique_id="model.shop.a", level="debug", text="select 1"),
        Said(unique_id="test.shop.b.1", level="debug", text="again"),
        Said(unique_id="", level="info", text="Found 3 models"),
    ]


def test_what_a_model_prints_is_said_though_it_is_no_json() -> None:
    assert list(heard(b"hello")) == [Said(unique_id="", level="info", text="hello")]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        *(("success", "success"), ("pass", "success"), ("no-op", "success"), ("warn", "warn"), ("FAIL", "fail")),
        *(("skipped", "skipped"), ("error", "error"), ("runtime error", "error"), ("partial success", "error")),
        *(("anything new", "error"), ("", "error")),
    ],
)
def test_a_status_that_nobody_knows_is_never_a_success(text: str, status: str) -> None:
    assert status_of(text) == status


@pytest.mark.parametrize(
    ("answer", "rows"),
    [
        *(({"rows_affected": 3}, 3), ({"rows_affected": "7"}, 7), ({"rows_affected": -1}, None)),
        *(({"_message": "OK"}, None), (None, None), ({"rows_affected": "many"}, None)),
    ],
)
def test_rows_are_those_that_the_adapter_tells_of(answer: Any, rows: int | None) -> None:
    assert rows_of(answer) == rows
