"""What dbt says becomes reports: nothing that it skips is ever green, and nothing is told twice."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.integrations.dbt.manifests import check, manifest, model
from toque.engine.assets import Checked, Materialized
from toque.integrations.dbt.build import Build, Member, Settings
from toque.integrations.dbt.events import Began, Ended, Said, Status
from toque.integrations.dbt.telling import Teller

A, B, T = "model.shop.a", "model.shop.b", "test.shop.holds.0a1b2c"


class Told:
    """Stands for what the engine is told."""

    def __init__(self, *pending: str) -> None:
        self.pending = pending
        self.said: list[tuple[Any, ...]] = []
        self.assets: list[Any] = []
        self.logs: list[tuple[str, str]] = []

    def started(self, task: str, *, at_us: int = 0) -> None:
        self.said.append(("started", task))

    def succeeded(self, task: str, result: Any = None, *, assets: Any = (), at_us: int = 0) -> None:
        self.said.append(("succeeded", task))
        self.assets += assets

    def failed(self, task: str, message: str, *, type: str, kind: str, at_us: int = 0) -> None:  # noqa: A002
        self.said.append(("failed", task, type, kind, message))

    def log(self, task: str, text: str, *, level: str = "info") -> None:
        self.logs.append((task, text))

    def artifact(self, task: str, name: str, value: Any, *, kind: Any = None) -> None:
        self.said.append(("artifact", task, value))


class Here:
    """Stands for the context of the attempt."""

    partition_key = "eu"

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.lines: list[str] = []
        self.log = SimpleNamespace(line=lambda stream, text, **more: self.lines.append(text))

    def tell(self, event: Any) -> None:
        self.told.append(event)

    def progress(self, done: float, total: float) -> None: ...


def teller(told: Told, target: Path = Path("nowhere"), *, cut: bool = False) -> Teller:
    members = (Member(A, "dbt.a", "w.a"), Member(B, "dbt.b", "w.b"), Member(T, "dbt.holds", "w.a"))
    build = Build(settings=Settings(path="dbt", connection="w"), members=members, is_cut=cut)
    known = manifest(model("a"), model("b", "a"), check("holds", "a"))
    return Teller(build, known, Here(), told, target, "v1")  # type: ignore[arg-type]


def ended(unique_id: str, status: Status, **more: Any) -> Ended:
    return Ended(unique_id=unique_id, at_us=2, status=status, **more)


def hear(told: Told, *events: Began | Ended | Said, **more: Any) -> Teller:
    found = teller(told, **more)
    for event in events:
        found.hear(event)
    return found


def test_a_model_that_was_made_is_told_of_with_its_rows() -> None:
    told = Told("dbt.a")
    hear(told, Began(unique_id=A, at_us=1), ended(A, "success", rows=3), cut=True)
    assert told.said == [("started", "dbt.a"), ("succeeded", "dbt.a")]
    (event,) = told.assets
    assert isinstance(event, Materialized)
    assert (event.asset, event.partition, event.rows, event.data_version) == ("w.a", "eu", 3, "v1")


def test_what_dbt_skips_since_a_test_failed_is_left_to_the_engine() -> None:
    told = Told("dbt.a", "dbt.b", "dbt.holds")
    hear(
        told,
        ended(A, "success"),
        ended(T, "fail", message="Got 1 result", failures=1),
        Began(unique_id=B, at_us=1),
        ended(B, "skipped"),
    )
    assert told.said == [
        ("succeeded", "dbt.a"),
        ("failed", "dbt.holds", "TestFailed", "data", "Got 1 result"),
    ]


def test_what_dbt_skips_for_a_reason_of_its_own_has_failed() -> None:
    told = Told("dbt.a")
    hear(told, ended(A, "skipped"))
    assert told.said == [("failed", "dbt.a", "DbtSkipped", "code", "dbt skipped: it says no more")]


@pytest.mark.parametrize(("status", "is_told"), [("success", True), ("warn", False)])
def test_a_test_that_holds_is_a_check_and_one_that_warns_waits_for_its_rows(status: Status, is_told: bool) -> None:
    told = Told("dbt.holds")
    hear(told, ended(T, status, failures=0))
    assert told.said == [("succeeded", "dbt.holds")]
    assert [(type(each), each.passed) for each in told.assets] == ([(Checked, True)] if is_told else [])


def test_what_was_done_before_is_told_of_by_the_host() -> None:
    """The model of a failed test that is made again: its task has ended long ago."""
    told = Told("dbt.holds")
    found = hear(told, Began(unique_id=A, at_us=1), ended(A, "success"))
    assert told.said == []
    assert [each.asset for each in found.here.told] == ["w.a"]  # type: ignore[attr-defined]


def test_lines_go_to_the_log_of_their_node_and_those_for_people_to_that_of_the_host_too() -> None:
    told = Told("dbt.a")
    found = hear(
        told,
        Said(unique_id=A, level="debug", text="create table"),
        Said(unique_id=A, level="info", text="1 of 2 OK"),
        Said(unique_id=B, level="debug", text="not ours"),
        Said(unique_id="", level="error", text="Encountered an error:\nDatabase Error"),
    )
    assert told.logs == [("dbt.a", "create table"), ("dbt.a", "1 of 2 OK")]
    assert found.here.lines == ["1 of 2 OK", "Encountered an error:\nDatabase Error"]  # type: ignore[attr-defined]
    assert found.complaint == "Database Error"


def test_the_sql_of_a_node_is_an_artifact(tmp_path: Path) -> None:
    for path, sql in (("models/a.sql", "select 1"), ("models/shop.yml/holds.sql", "select 2")):
        file = tmp_path / "compiled" / "shop" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(sql)
    told = Told("dbt.a", "dbt.holds")
    hear(told, ended(A, "success"), ended(T, "success"), target=tmp_path)
    assert [each for each in told.said if each[0] == "artifact"] == [
        ("artifact", "dbt.a", "select 1"),
        ("artifact", "dbt.holds", "select 2"),
    ]
