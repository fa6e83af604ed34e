"""Assets over the API: the catalogue, slices with their states, history, and the graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import store_rows as rows
from tests.unit.api.served import Served, flying
from toque.engine.assets import AnyAssetEvent, Checked, Materialized, Observed
from toque.engine.rows import AssetEventRow
from toque.graph.assets import Asset, AssetDependency
from toque.graph.partitions import AllKeys, Grid, LastKey, StaticKeys, TimeWindows, TrailingWindows
from toque.ports.project import IndexedAsset, ProjectState

MONTHS = TimeWindows(every="month", start="2013-01", end="2013-04")
DELAYS = Asset(
    key="marts.delays",
    upstream=(AssetDependency(asset="raw.flights"),),
    partitions=MONTHS,
    group="marts",
    owner="ana",
    tags=("daily",),
    doc="Delays by month.\n\nThe second paragraph.",
    code_version="c2",
)
ASSETS = {
    "crm.contact": IndexedAsset(asset=Asset(key="crm.contact"), external=True),
    "marts.delays": IndexedAsset(asset=DELAYS, file="flights.py", line=12, pipelines=("nightly",)),
    "marts.worst": IndexedAsset(
        asset=Asset(
            key="marts.worst",
            upstream=(
                AssetDependency(asset="marts.delays", mapping=AllKeys()),
                AssetDependency(asset="crm.contact"),
            ),
            group="marts",
        ),
        file="flights.py",
    ),
    "raw.flights": IndexedAsset(
        asset=Asset(key="raw.flights", partitions=MONTHS, group="raw"), file="flights.py", line=3
    ),
}


@pytest.fixture
async def served(tmp_path: Path) -> Served:
    found = await flying(tmp_path)
    found.project.state = ProjectState(assets=ASSETS, indexed_us=1)
    return found


async def tell(served: Served, at_us: int, *events: AnyAssetEvent, run_id: str = "") -> None:
    """What an attempt of a run told."""
    run_id = run_id or f"r{at_us:03}"
    told = [
        AssetEventRow(
            run_id=run_id,
            task="t",
            attempt=1,
            n=n,
            pipeline="nightly",
            asset=each.asset,
            partition=each.partition,
            kind=str(type(each).__struct_config__.tag),
            at_us=at_us,
            event=each,
        )
        for n, each in enumerate(events)
    ]
    await served.write(runs=[rows.run(run_id, owner=rows.ME)], asset_events=told)


def made(asset: str, partition: str = "", version: str = "", code: str = "", **fields: Any) -> Materialized:
    return Materialized(asset=asset, partition=partition, data_version=version, code_version=code, **fields)


async def one(served: Served, key: str) -> Any:
    return next(each for each in (await served.get("/assets"))["items"] if each["key"] == key)


async def test_what_was_never_made_is_listed_with_what_the_project_says(served: Served) -> None:
    found = await one(served, "marts.delays")
    assert found["doc"] == "Delays by month."
    assert (found["group"], found["owner"], found["tags"], found["pipelines"]) == (
        "marts",
        "ana",
        ["daily"],
        ["nightly"],
    )
    cut = {"kind": "time", "words": "monthly from 2013-01 to 2013-04", "count": 4, "dynamic": []}
    assert found["partitions"] == cut
    assert (found["upstream"], found["downstream"]) == (["raw.flights"], ["marts.worst"])
    assert (found["last"], found["materialized_count"], found["stale"], found["why"]) == (None, 0, True, ["never made"])


async def test_what_others_make_is_never_stale(served: Served) -> None:
    found = await one(served, "crm.contact")
    assert (found["external"], found["stale"], found["downstream"]) == (True, False, ["marts.worst"])


async def test_what_a_run_told_of_and_no_file_defines_is_listed_too(served: Served) -> None:
    await tell(served, 5, made("dbt.orders", rows=3))
    found = await one(served, "dbt.orders")
    assert (found["external"], found["last"]["rows"], found["materialized_count"]) == (True, 3, 1)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"search": "BY MONTH"}, ["marts.delays"]),
        ({"search": "raw"}, ["raw.flights"]),
        ({"group": "marts"}, ["marts.delays", "marts.worst"]),
        ({"tag": "daily"}, ["marts.delays"]),
        ({"owner": "ana"}, ["marts.delays"]),
        ({"owner": "nobody"}, []),
    ],
)
async def test_assets_are_found_by_word_group_tag_and_owner(
    served: Served, query: dict[str, str], expected: list[str]
) -> None:
    assert [each["key"] for each in (await served.get("/assets", **query))["items"]] == expected


async def test_assets_come_in_pages(served: Served) -> None:
    first = await served.get("/assets", limit=3)
    second = await served.get("/assets", limit=3, cursor=first["next"])
    assert [each["key"] for each in first["items"] + second["items"]] == list(ASSETS)
    assert second["next"] is None
    await served.refused("GET", "/assets", status=422, cursor="abc")


async def test_the_slice_that_was_made_last_is_told_with_what_fails(served: Served) -> None:
    check = Checked(asset="marts.delays", partition="2013-02", check="not_null(delay)", passed=False)
    await tell(served, 5, made("marts.delays", "2013-01", code="c2"))
    await tell(served, 6, made("marts.delays", "2013-02", code="c2", rows=7, size_bytes=70, version="d"), check)
    found = await one(served, "marts.delays")
    assert found["last"] == {
        "partition": "2013-02",
        "materialized_us": 6,
        "observed_us": 0,
        "run_id": "r006",
        "task": "t",
        "pipeline": "nightly",
        "rows": 7,
        "size_bytes": 70,
        "data_version": "d",
    }
    assert found["failing_checks"] == [{"check": "not_null(delay)", "severity": "block"}]
    assert (found["materialized_count"], found["stale"]) == (2, False)


async def test_code_and_sources_that_changed_make_it_stale(served: Served) -> None:
    await tell(served, 5, made("marts.delays", "2013-01", code="c1"))
    assert (await one(served, "marts.delays"))["why"] == ["its code changed since"]
    await tell(served, 6, made("marts.delays", "2013-01", code="c2"))
    assert (await one(served, "marts.delays"))["why"] == []
    await tell(served, 7, made("raw.flights", "2013-02"))
    assert (await one(served, "marts.delays"))["why"] == [], "that slice is made from another one"
    await tell(served, 8, made("raw.flights", "2013-01"))
    assert (await one(served, "marts.delays"))["why"] == ["raw.flights changed since"]


async def test_one_asset_is_judged_by_all_slices_of_its_sources(served: Served) -> None:
    await tell(served, 3, made("marts.delays", "2013-02", "same", code="c2"))
    await tell(served, 5, made("marts.worst"))
    await tell(served, 6, made("marts.delays", "2013-01", code="c2"))
    await tell(served, 7, made("marts.delays", "2013-02", "same", code="c2"))
    found = await served.get("/assets/marts.worst")
    assert (found["stale"], found["why"]) == (True, ["marts.delays changed since"])
    assert found["sources"] == [
        {"asset": "marts.delays", "mapping": "all"},
        {"asset": "crm.contact", "mapping": "the whole"},
    ]


async def test_one_asset_shows_its_doc_columns_and_definition(served: Served) -> None:
    await tell(served, 5, made("marts.delays", "2013-01", code="c2", columns=(("month", "string"), ("mean", "double"))))
    found = await served.get("/assets/marts.delays")
    assert "second paragraph" in found["doc"]
    assert found["columns"] == [{"name": "month", "type": "string"}, {"name": "mean", "type": "double"}]
    assert found["origin"] == {"file": "flights.py", "line": 12}
    assert (await served.get("/assets/crm.contact"))["origin"] is None


async def test_each_slice_is_one_character(served: Served) -> None:
    check = Checked(asset="marts.delays", partition="2013-03", check="rows", passed=False, severity="warn")
    await tell(served, 5, *(made("marts.delays", f"2013-0{month}", code="c2") for month in (1, 2, 3)), check)
    await tell(served, 6, made("raw.flights", "2013-02"))
    found = await served.get("/assets/marts.delays/partitions")
    assert found == {
        "keys": ["2013-01", "2013-02", "2013-03", "2013-04"],
        "cells": "msf.",
        "across": [],
        "names": [],
    }
    assert (await served.get("/assets/marts.worst/partitions"))["cells"] == "."


async def test_slices_of_two_dimensions_come_row_by_row(served: Served) -> None:
    cut = Grid(rows=MONTHS, columns=StaticKeys(keys=("eu", "us")), names=("month", "region"))
    served.project.state = ProjectState(assets={"sales": IndexedAsset(asset=Asset(key="sales", partitions=cut))})
    await tell(served, 5, made("sales", "2013-01|us"), made("sales", "2013-02|eu"))
    found = await served.get("/assets/sales/partitions")
    assert (found["cells"], found["across"], found["names"]) == (".mm.....", ["eu", "us"], ["month", "region"])
    assert (await one(served, "sales"))["partitions"]["words"] == (
        "month (monthly from 2013-01 to 2013-04) × region (eu, us)"
    )


async def test_slices_of_a_way_to_cut_that_was_given_up_are_no_part_of_it(served: Served) -> None:
    await tell(served, 5, made("marts.delays", "2013-W01", code="c2"), made("marts.delays", "", code="c2"))
    await tell(served, 6, made("raw.flights", "2013-01"))
    assert (await served.get("/assets/marts.delays/partitions"))["cells"] == "...."
    assert (await served.get("/assets/marts.delays"))["why"] == []
    assert (await one(served, "marts.delays"))["why"] == []


async def test_a_slice_says_from_what_it_is_made_and_why_it_is_stale(served: Served) -> None:
    await tell(served, 5, made("marts.delays", "2013-02", code="c1", rows=4))
    await tell(served, 6, made("raw.flights", "2013-02"))
    found = await served.get("/assets/marts.delays/slice", partition="2013-02")
    assert (found["state"], found["run_id"], found["rows"]) == ("stale", "r005", 4)
    assert found["why"] == ["its code changed since", "raw.flights changed since"]
    assert found["sources"] == [
        {"asset": "raw.flights", "count": 1, "first": "2013-02", "last": "2013-02", "changed_us": 6}
    ]
    missing = await served.get("/assets/marts.delays/slice", partition="2013-04")
    assert (missing["state"], missing["run_id"], missing["why"]) == ("missing", "", [])
    whole = await served.get("/assets/marts.worst/slice")
    assert [(each["count"], each["first"], each["last"]) for each in whole["sources"]] == [
        (4, "2013-01", "2013-04"),
        (1, "", ""),
    ]


@pytest.mark.parametrize("partition", ["", "2013-05", "2013-01-01", "x|y"])
async def test_a_slice_that_does_not_exist_is_not_found(served: Served, partition: str) -> None:
    await served.refused("GET", "/assets/marts.delays/slice", status=404, partition=partition)


@pytest.mark.parametrize("below", ["", "/partitions", "/slice", "/events"])
async def test_an_asset_that_nobody_knows_is_not_found(served: Served, below: str) -> None:
    said = await served.refused("GET", f"/assets/nobody{below}", status=404)
    assert "nobody" in said["detail"]


async def test_the_history_tells_what_was_made_looked_at_and_checked(served: Served) -> None:
    failed = Checked(asset="raw.flights", check="rows", passed=False, failed_rows=2, message="few", sample=[{"n": 1}])
    await tell(served, 5, made("raw.flights", "2013-01", "v1", rows=3, metadata={"path": "x"}))
    await tell(served, 6, Observed(asset="raw.flights", rows=4), failed)
    items = (await served.get("/assets/raw.flights/events"))["items"]
    assert [each["kind"] for each in items] == ["checked", "observed", "materialized"]
    assert (items[0]["passed"], items[0]["failed_rows"], items[0]["sample"]) == (False, 2, [{"n": 1}])
    assert (items[2]["rows"], items[2]["metadata"], items[2]["run_id"]) == (3, {"path": "x"}, "r005")
    of_kind = await served.get("/assets/raw.flights/events", kind="materialized", partition="2013-01")
    assert [each["at_us"] for each in of_kind["items"]] == [5]
    await served.refused("GET", "/assets/raw.flights/events", status=422, cursor="abc")


async def test_the_history_comes_in_pages_that_lose_nothing(served: Served) -> None:
    for at_us in (5, 6, 7):
        checks = [Checked(asset="raw.flights", check=f"c{n}", passed=True) for n in range(2)]
        await tell(served, at_us, made("raw.flights"), *checks)
    found, cursor = [], ""
    while cursor is not None:
        page = await served.get("/assets/raw.flights/events", limit=4, cursor=cursor)
        found += [(each["at_us"], each["check"]) for each in page["items"]]
        cursor = page["next"]
    assert found == [(at_us, check) for at_us in (7, 6, 5) for check in ("c1", "c0", "")]


async def test_the_graph_has_every_asset_and_what_it_is_made_from(served: Served) -> None:
    await tell(served, 5, made("raw.flights", "2013-01"), made("marts.delays", "2013-01", code="c1"))
    await tell(served, 6, Checked(asset="marts.worst", check="rows", passed=False))
    graph = await served.get("/assets-graph")
    assert {each["key"]: (each["state"], each["words"]) for each in graph["nodes"]} == {
        "crm.contact": ("external", "external"),
        "marts.delays": ("stale", "its code changed since"),
        "marts.worst": ("failing", "rows"),
        "raw.flights": ("made", "1 of 4 partitions"),
    }
    assert {(each["source"], each["target"]) for each in graph["edges"]} == {
        ("raw.flights", "marts.delays"),
        ("marts.delays", "marts.worst"),
        ("crm.contact", "marts.worst"),
    }


async def test_words_of_mappings(served: Served) -> None:
    sources = tuple(
        AssetDependency(asset="raw.flights", mapping=mapping) for mapping in (TrailingWindows(count=3), LastKey())
    )
    asset = Asset(key="a", upstream=sources, partitions=MONTHS)
    served.project.state = ProjectState(assets={**ASSETS, "a": IndexedAsset(asset=asset)})
    found = await served.get("/assets/a")
    assert [each["mapping"] for each in found["sources"]] == ["the last 3 windows", "the newest"]
