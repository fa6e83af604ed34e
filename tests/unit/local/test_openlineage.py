"""Which facts of a run OpenLineage hears of, and as what."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests import store_rows as rows
from toque.engine import facts as f
from toque.engine.assets import Checked, Materialized
from toque.engine.states import RunState
from toque.engine.values import ErrorInfo, Token
from toque.graph.assets import Asset, AssetDependency
from toque.graph.ir import CodeRef, Pipeline, TaskNode
from toque.graph.lineage import Stated
from toque.local.openlineage import Telling
from toque.runtime.owned import OwnedRun
from toque.settings import load

CODE = CodeRef(module="m", qualname="q")
PIPELINE = Pipeline(
    name="nightly",
    nodes=(
        TaskNode(id="made", code=CODE, writes=("wh.a",), reads=("wh.b",)),
        TaskNode(id="plain", code=CODE),
        TaskNode(id="build", code=CODE),
        TaskNode(id="model", code=CODE, host="build", writes=("wh.m",)),
        TaskNode(id="test", code=CODE, host="build", reads=("wh.m",)),
    ),
    assets=(
        Asset(
            key="wh.a",
            node="made",
            upstream=(AssetDependency(asset="wh.b"), AssetDependency(asset="crm.C", observed=True)),
            columns=Stated(columns={"x": ("wh.b.y",)}),
        ),
    ),
)
ERROR = ErrorInfo(kind="data", type="ValueError", message="bad")
STARTED = f.Started(at_us=5, task="made", attempt=1, started_us=4)
SUCCEEDED = f.Succeeded(at_us=9, task="made", result=None)


class Heard:
    """A project that writes events into a file, and a run of it."""

    def __init__(self, root: Path) -> None:
        (root / "toque.toml").write_text('name = "shop"\n[openlineage]\nfile = "told.jsonl"\n')
        settings = load(root, environ={})
        assert settings.openlineage is not None
        self._file = root / "told.jsonl"
        self._telling = Telling(settings, settings.openlineage)
        self.run = rows.run("r1", owner=rows.ME)
        self.run.interval_start_us, self.run.interval_end_us = 1_000_000, 2_000_000

    def tell(self, *facts: f.AnyFact) -> None:
        owned = SimpleNamespace(run_id="r1", pipeline=PIPELINE, machine=SimpleNamespace(row=self.run))
        self._telling.heard(cast(OwnedRun, owned), facts)

    @property
    def events(self) -> list[dict[str, Any]]:
        """All of them; nothing is told afterwards."""
        self._telling.close()
        return [json.loads(line) for line in self._file.read_text().splitlines()] if self._file.exists() else []

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(event["job"]["name"], event["eventType"]) for event in self.events]


@pytest.fixture
def heard(tmp_path: Path) -> Heard:
    return Heard(tmp_path)


def test_a_run_is_told_from_start_to_end_with_its_interval(heard: Heard) -> None:
    heard.tell(f.RunStarted(at_us=1))
    heard.tell(f.RunFinished(at_us=2, state=RunState.SUCCEEDED))
    first, last = heard.events
    assert (first["eventType"], last["eventType"]) == ("START", "COMPLETE")
    nominal = first["run"]["facets"]["nominalTime"]
    assert nominal["nominalStartTime"] == "1970-01-01T00:00:01.000Z"
    assert nominal["nominalEndTime"] == "1970-01-01T00:00:02.000Z"
    assert [each["name"] for each in first["inputs"]] == ["b", "C"]
    assert [each["name"] for each in first["outputs"]] == ["a", "m"]


@pytest.mark.parametrize(
    ("fact", "kind"),
    [
        (SUCCEEDED, "COMPLETE"),
        (f.Failed(at_us=9, task="made", error=ERROR), "FAIL"),
        (f.Cancelled(at_us=9, task="made", actor="ada"), "ABORT"),
    ],
)
def test_a_task_run_that_writes_ends_in_one_of_three_ways(heard: Heard, fact: f.AnyFact, kind: str) -> None:
    heard.tell(STARTED, fact)
    assert heard.told == [("nightly.made", "START"), ("nightly.made", kind)]


def test_what_never_began_what_writes_nothing_and_what_was_taken_over_is_not_told(heard: Heard) -> None:
    heard.tell(f.Cancelled(at_us=9, task="made", actor="ada"), f.Succeeded(at_us=9, task="plain", result=None))
    heard.tell(f.Reused(at_us=9, task="made", origin_run="r0"), SUCCEEDED)
    heard.tell(f.Dispatched(at_us=1, task="made", attempt=1, token=Token(1, 1)))
    assert heard.told == []


def test_an_attempt_that_is_retried_leaves_nothing_of_what_it_told(heard: Heard) -> None:
    made = [Materialized(asset="wh.a", data_version="v", rows=n, columns=(("x", "int"),)) for n in (1, 2)]
    check = Checked(asset="wh.a", check="not_null(x)", column="x", passed=False, severity="warn", failed_rows=3)
    heard.tell(STARTED, f.AssetsTold(at_us=6, task="made", attempt=1, events=(made[0],)))
    heard.tell(STARTED, f.AssetsTold(at_us=7, task="made", attempt=2, events=(made[1], check)), SUCCEEDED)
    first, last = heard.events
    assert (first["eventType"], last["eventType"]) == ("START", "COMPLETE")
    (output,) = last["outputs"]
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 2
    assert output["facets"]["schema"]["fields"] == [{"name": "x", "type": "int"}]
    assert output["facets"]["columnLineage"]["fields"]["x"]["inputFields"][0]["field"] == "y"
    (assertion,) = output["facets"]["dataQualityAssertions"]["assertions"]
    assert (assertion["assertion"], assertion["success"], assertion["severity"]) == ("not_null", False, "warn")


def test_what_tests_of_dbt_found_is_told_with_the_build_whatever_becomes_of_its_attempts(heard: Heard) -> None:
    """Those that hold are told as they end, the others by the build, which looks for their rows when dbt has ended."""
    holds = Checked(asset="wh.m", check="unique_id", column="id", passed=True)
    fails = Checked(asset="wh.m", check="not_null_x", column="x", passed=False, failed_rows=2, message="Got 2 results")
    begun = f.Started(at_us=5, task="build", attempt=1, started_us=4)
    heard.tell(begun, f.AssetsTold(at_us=6, task="test", attempt=1, events=(holds,)))
    heard.tell(begun, f.AssetsTold(at_us=7, task="build", attempt=2, events=(fails, fails)))
    heard.tell(f.Succeeded(at_us=9, task="build", result=None))
    assert heard.told == [("nightly.build", "START"), ("nightly.build", "COMPLETE")]
    (tested,) = heard.events[-1]["inputs"]
    assert (tested["namespace"], tested["name"]) == ("wh", "m")
    assertions = tested["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert [(each["name"], each["column"], each["success"]) for each in assertions] == [
        ("unique_id", "id", True),
        ("not_null_x", "x", False),
    ]


def test_a_fact_that_cannot_be_told_ends_no_run(heard: Heard, caplog: pytest.LogCaptureFixture) -> None:
    heard.run.version = cast(str, [])  # cannot be looked up
    heard.tell(STARTED)
    assert "could not be told" in caplog.text
    assert heard.told == []
