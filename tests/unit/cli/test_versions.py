"""`versions`, `diff` and `rollback`."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Toque, in_store, version
from toque.ports.store import Store
from toque.store.bundles import snapshot


@pytest.fixture
def versions(project: Path) -> list[str]:
    """Two versions: `load` was added to the graph, and a line of the file changed."""
    (project / "flow.py").write_text("a = 1\n")
    first = snapshot(project).hash
    (project / "flow.py").write_text("a = 2\n")
    second = snapshot(project).hash
    now_us = time.time_ns() // 1000
    names = [f"1111.{first}", f"2222.{second}"]

    async def put(store: Store) -> None:
        await store.put_version(version(names[0], tasks=("extract",), at_us=now_us - 5), make_current=True)
        await store.put_version(version(names[1], at_us=now_us), make_current=True)

    in_store(project, put)
    return names


def test_versions_are_listed_newest_first_with_their_commit(toque: Toque, versions: list[str]) -> None:
    rows = toque("versions", "flights", "--json").json
    assert [row["version"] for row in rows] == versions[::-1]
    assert [row["current"] for row in rows] == [True, False]
    assert rows[0]["git_dirty"] is True
    assert "c0ffeec0ff+" in toque("versions").out


def test_a_rollback_makes_the_version_before_current(toque: Toque, versions: list[str]) -> None:
    assert toque("rollback", "flights", "--json").json == {
        "pipeline": "flights",
        "before": versions[1],
        "current": versions[0],
        "via": "store",
    }
    rows = toque("versions", "--json").json
    assert [row["current"] for row in rows] == [False, True]
    assert toque("rollback", "flights").code == 4


def test_a_version_to_roll_back_to_may_be_named_by_its_beginning(toque: Toque, versions: list[str]) -> None:
    toque("rollback", "flights", "1111")
    assert toque("rollback", "flights", "2222", "--json").json["current"] == versions[1]


@pytest.mark.parametrize("arguments", [("rollback", "nothing"), ("rollback", "flights", "9"), ("versions", "nothing")])
def test_what_is_not_there_is_not_found(toque: Toque, versions: list[str], arguments: tuple[str, ...]) -> None:
    assert toque(*arguments).code == 4


def test_a_diff_shows_code_and_graph(toque: Toque, versions: list[str]) -> None:
    data = toque("diff", "1111", "2222", "--json").json
    assert [file["path"] for file in data["code"]] == ["flow.py"]
    assert "-a = 1\n+a = 2" in data["code"][0]["text"]
    assert any("load" in change for change in data["graph"])
    text = toque("diff", "1111").out
    assert "+a = 2" in text


def test_a_diff_of_a_version_with_itself_is_empty(toque: Toque, versions: list[str]) -> None:
    assert "no difference" in toque("diff", "2222", "2222").out


def test_a_diff_with_code_that_is_gone_says_what_is_still_possible(
    toque: Toque, versions: list[str], project: Path
) -> None:
    in_store(project, lambda store: store.put_version(version("3333.gone"), make_current=False))
    answer = toque("diff", "3333", "2222")
    assert (answer.code, "--no-code" in answer.err) == (4, True)
    assert toque("diff", "3333", "2222", "--no-code").code == 0
