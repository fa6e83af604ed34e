"""What dbt is asked to build, and what a run says to it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from tests.unit.integrations.dbt.manifests import check, manifest, model
from toque.errors import UserError
from toque.integrations.dbt import node
from toque.integrations.dbt.build import Build, Member, Settings
from toque.settings import Connection
from toque.worker.context import Context, Interval

A, B, C, HOLDS = "model.shop.a", "model.shop.b", "model.shop.c", "test.shop.holds.0a1b2c"
PROJECT = manifest(model("a"), check("holds", "a"), model("b", "a"), model("c"))


def asked(tmp_path: Path, *pending: str, full_refresh: bool = False, **settings: Any) -> tuple[list[str], list[str]]:
    """The words of a build of what is pending, and the entries that it chooses."""
    told = Settings(path="dbt", connection="warehouse", **settings)
    members = tuple(Member(name, f"dbt.{name}") for name in PROJECT.entries)
    nodes = tuple(f"dbt.{name}" for name in pending)
    words = node._words(Build(settings=told, members=members), PROJECT, nodes, tmp_path, full_refresh)
    document = tmp_path / "chosen" / "run_results.json"
    chosen = json.loads(document.read_bytes())["results"] if document.exists() else []
    return words, [each["unique_id"] for each in chosen]


def test_all_of_a_project_is_built_without_a_selection(tmp_path: Path) -> None:
    assert asked(tmp_path, A, HOLDS, B, C, threads=3) == (["--threads", "3"], [])
    assert "--full-refresh" in asked(tmp_path, A, HOLDS, B, C, full_refresh=True)[0]


def test_what_is_left_is_named_one_by_one(tmp_path: Path) -> None:
    words, chosen = asked(tmp_path, HOLDS, B)
    assert chosen == [B, HOLDS]
    assert " ".join(words[2:4]) == "--select result:error"
    assert " ".join(words[-2:]) == "--indirect-selection empty"


def test_a_selection_is_named_too_whatever_it_comes_to(tmp_path: Path) -> None:
    assert asked(tmp_path, A, HOLDS, B, C, select=("*",))[1] == [A, B, C, HOLDS]


def test_the_model_whose_test_failed_is_made_again_if_asked_for(tmp_path: Path) -> None:
    assert asked(tmp_path, HOLDS, B, retry_model_of_failed_test=True)[1] == [A, B, HOLDS]
    assert asked(tmp_path, B, retry_model_of_failed_test=True)[1] == [B]


def test_dbt_is_not_started_where_nothing_is_left_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "context", lambda: SimpleNamespace(partition_key=""))
    monkeypatch.setattr(node, "members", lambda: SimpleNamespace(pending=()))
    monkeypatch.setattr(node, "started", None)
    build = Build(settings=Settings(path="nowhere", connection="warehouse"), members=())
    assert node.run(msgspec.to_builtins(build), cast(Connection, None)) == {}


def test_an_environment_without_dbt_is_named_though_the_manifest_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "context", lambda: SimpleNamespace(partition_key=""))
    monkeypatch.setattr(node, "members", lambda: SimpleNamespace(pending=("dbt.a",)))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    settings = Settings(path="dbt", connection="warehouse", manifest="manifest.json", profile="mine")
    with pytest.raises(UserError, match="dbt is not installed"):
        node.run(msgspec.to_builtins(Build(settings=settings, members=())), cast(Connection, None))


@pytest.mark.parametrize(
    ("key", "days", "told"),
    [
        ("", (1, 2), {}),
        ("eu", (1, 1), {"partition_key": "eu"}),
        (
            "2026-01-01",
            (1, 2),
            {
                "partition_key": "2026-01-01",
                "partition_start": "2026-01-01T00:00:00+00:00",
                "partition_end": "2026-01-02T00:00:00+00:00",
            },
        ),
    ],
)
def test_a_run_of_a_partition_says_what_it_is_of(key: str, days: tuple[int, int], told: dict[str, str]) -> None:
    interval = Interval(*(datetime(2026, 1, day, tzinfo=UTC) for day in days))
    assert node._partition(cast(Context, SimpleNamespace(partition_key=key, interval=interval))) == told
