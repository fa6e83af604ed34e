"""Checks of assets over the API, what fails anywhere, and rows and columns over time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import store_rows as rows
from tests.unit.api.served import Served, flying
from toque.engine.assets import AnyAssetEvent, Checked, Materialized, Observed
from toque.engine.rows import AssetEventRow
from toque.graph.assets import Asset
from toque.ports.project import IndexedAsset, ProjectState

KEY = "lake.raw.contact"
HOUR = 3_600_000_000


@pytest.fixture
async def served(tmp_path: Path) -> Served:
    found = await flying(tmp_path)
    found.project.state = ProjectState(assets={KEY: IndexedAsset(asset=Asset(key=KEY), file="revops.py")}, indexed_us=1)
    return found


async def tell(served: Served, at_us: int, *events: AnyAssetEvent, task: str = "contacts") -> None:
    """What an attempt of a run told."""
    run_id = f"r{at_us:015}"
    told = [
        AssetEventRow(
            run_id=run_id,
            task=task,
            attempt=1,
            n=n,
            pipeline="revops",
            asset=each.asset,
            partition=each.partition,
            kind=str(type(each).__struct_config__.tag),
            at_us=at_us,
            event=each,
        )
        for n, each in enumerate(events)
    ]
    await served.write(runs=[rows.run(run_id, owner=rows.ME)], asset_events=told)


def checked(check: str, *, passed: bool, **fields: Any) -> Checked:
    return Checked(asset=KEY, check=check, passed=passed, **fields)


def made(count: int | None, *columns: tuple[str, str]) -> Materialized:
    return Materialized(asset=KEY, data_version="v", rows=count, columns=columns)


SET_ASIDE = {
    "severity": "quarantine",
    "failed_rows": 2,
    "total_rows": 8,
    "column": "email",
    "rejects": "raw.contact__rejects",
    "batch_id": "b7",
    "message": "2 rows of 8 (25 %)",
    "sample": [{"email": "***", "id": 4}],
}


async def test_each_check_has_what_it_found_last_and_its_history(served: Served) -> None:
    await tell(served, 10, checked("not_null(email)", passed=True), checked("row_count", passed=True))
    await tell(served, 20, checked("not_null(email)", passed=False, **SET_ASIDE), checked("row_count", passed=True))
    bad, good = (await served.get(f"/assets/{KEY}/checks"))["items"]
    assert (bad["check"], bad["passed"], bad["severity"], bad["column"]) == (
        "not_null(email)",
        False,
        "quarantine",
        "email",
    )
    assert (bad["failed_rows"], bad["total_rows"], bad["sample"]) == (2, 8, [{"email": "***", "id": 4}])
    assert bad["replay"] == f"toque checks replay {KEY} --batch b7"
    assert [each["passed"] for each in bad["history"]] == [True, False]
    assert (bad["run_id"], bad["task"], bad["attempt"]) == (f"r{20:015}", "contacts", 1)
    assert (good["check"], good["passed"], good["replay"], len(good["history"])) == ("row_count", True, "", 2)


async def test_a_check_that_was_removed_from_the_code_neither_holds_nor_fails(served: Served) -> None:
    names = ("unique(id)", "row_count", "not_null(email)", "as_usual(rows)")
    await tell(served, 10, *(checked(name, passed=name != "row_count") for name in names), made(5))
    await tell(served, 20, checked("dbt_test_of_a_source", passed=False), task="crm.dbt_test_of_a_source")

    async def shown() -> tuple[list[str], list[str], list[str]]:
        listed = (await served.get(f"/assets/{KEY}/checks"))["items"]
        failing = (await served.get("/failing-checks"))["items"]
        (asset,) = (await served.get("/assets"))["items"]
        return tuple([each["check"] for each in found] for found in (listed, failing, asset["failing_checks"]))

    everything = ["dbt_test_of_a_source", "row_count", "as_usual(rows)", "not_null(email)", "unique(id)"]
    assert await shown() == (everything, everything[:2], everything[:2])
    asset = Asset(key=KEY, checks=("unique(id)",))
    served.project.state = ProjectState(assets={KEY: IndexedAsset(asset=asset, file="revops.py")}, indexed_us=2)
    of_others = ["dbt_test_of_a_source"]
    assert await shown() == ([*of_others, "as_usual(rows)", "unique(id)"], of_others, of_others)
    assert (await served.get(f"/assets/{KEY}/partitions"))["cells"] == "f"
    assert [each["check"] for each in (await served.get(f"/assets/{KEY}/slice"))["failing_checks"]] == of_others


async def test_checks_of_one_slice_leave_out_those_of_others(served: Served) -> None:
    await tell(served, 10, Checked(asset=KEY, partition="a", check="c", passed=False))
    await tell(served, 20, Checked(asset=KEY, partition="b", check="c", passed=True))
    [everywhere] = (await served.get(f"/assets/{KEY}/checks"))["items"]
    assert (everywhere["partition"], everywhere["passed"]) == ("b", True)
    [found] = (await served.get(f"/assets/{KEY}/checks", partition="a"))["items"]
    assert (found["passed"], len(found["history"])) == (False, 1)
    await served.refused("GET", "/assets/nobody/checks", status=404)


async def test_what_fails_says_since_when(served: Served) -> None:
    await tell(served, 10, checked("unique(id)", passed=False))
    await tell(served, 20, checked("unique(id)", passed=True))
    await tell(served, 30, checked("unique(id)", passed=False, message="first"))
    await tell(served, 40, checked("unique(id)", passed=False, message="again", failed_rows=3), made(5))
    [found] = (await served.get("/failing-checks"))["items"]
    assert (found["asset"], found["check"], found["severity"], found["message"]) == (
        KEY,
        "unique(id)",
        "block",
        "again",
    )
    assert (found["since_us"], found["at_us"], found["failed_rows"]) == (30, 40, 3)


async def test_what_blocks_needs_a_person_and_what_warns_does_not(served: Served) -> None:
    await tell(served, 10, checked("a", passed=False, message="2 rows"), checked("b", passed=False, severity="warn"))
    found = [each for each in (await served.get("/attention"))["items"] if each["kind"] == "failing_check"]
    assert [(each["title"], each["asset"], each["detail"]) for each in found] == [(f"{KEY} fails a", KEY, "a: 2 rows")]
    await tell(served, 20, checked("c", passed=False, message="3 rows"))
    [found] = [each for each in (await served.get("/attention"))["items"] if each["kind"] == "failing_check"]
    assert (found["title"], found["count"], found["since_us"]) == (f"{KEY} fails 2 checks", 2, 10)
    await tell(served, 30, checked("a", passed=True), checked("c", passed=True))
    assert "failing_check" not in {each["kind"] for each in (await served.get("/attention"))["items"]}


async def test_rows_are_judged_once_enough_is_known(served: Served) -> None:
    for n in range(8):
        await tell(served, (n + 1) * HOUR, made(100 + n))
    await tell(served, 9 * HOUR, made(3))
    points = (await served.get(f"/assets/{KEY}/measures"))["points"]
    assert [each["rows"] for each in points] == [100, 101, 102, 103, 104, 105, 106, 107, 3]
    assert [each["low"] is not None for each in points] == [False] * 7 + [True, True]
    assert {each["level"] for each in points[:-1]} == {"ok"}
    odd = points[-1]
    assert odd["level"] == "error"
    assert odd["low"] > 3
    assert "expected" in odd["message"]


async def test_rows_that_are_told_afterwards_are_those_of_what_was_made(served: Served) -> None:
    await tell(served, 10, made(None), Observed(asset=KEY, rows=7))
    await tell(served, 20, Observed(asset=KEY, rows=8))
    await tell(served, 30, Observed(asset=KEY))
    points = (await served.get(f"/assets/{KEY}/measures"))["points"]
    assert [(each["at_us"], each["rows"]) for each in points] == [(10, 7)]


async def test_columns_that_change_are_told_with_their_types(served: Served) -> None:
    await tell(served, 10, made(1, ("id", "int"), ("name", "text")))
    await tell(served, 20, made(None))
    await tell(served, 30, made(1, ("id", "bigint"), ("mail", "text")))
    await tell(served, 40, made(1, ("id", "bigint"), ("mail", "text")))
    assert (await served.get(f"/assets/{KEY}/measures"))["changes"] == [
        {
            "at_us": 30,
            "run_id": f"r{30:015}",
            "added": ["mail text"],
            "removed": ["name text"],
            "retyped": ["id int → bigint"],
        }
    ]
