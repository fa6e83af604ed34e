"""What pages are told of data: how assets stand after something was told of them, by this process or by another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.unit.api.stream.scene import SERVER, Client, Scene, serving
from toque.engine.assets import AnyAssetEvent, Checked, Materialized
from toque.engine.rows import AssetEventRow, RunRow
from toque.engine.states import RunState
from toque.graph.assets import Asset, AssetDependency
from toque.graph.partitions import StaticKeys
from toque.ports.project import IndexedAsset, ProjectState
from toque.ports.store import Commit

CUT = StaticKeys(keys=("a", "b"))


def _define(scene: Scene) -> None:
    orders = Asset(key="orders", partitions=CUT)
    totals = Asset(key="totals", upstream=(AssetDependency(asset="orders"),), partitions=CUT)
    scene.project.state = ProjectState(
        assets={each.key: IndexedAsset(asset=each, file="f.py") for each in (orders, totals, Asset(key="other"))}
    )


async def _tell(scene: Scene, run_id: str, *events: AnyAssetEvent, tell: bool = True) -> None:
    now_us = scene.clock.now_us()
    rows = [
        AssetEventRow(
            run_id=run_id,
            task="t",
            attempt=1,
            n=n,
            pipeline="p",
            asset=each.asset,
            partition=each.partition,
            kind=str(type(each).__struct_config__.tag),
            at_us=now_us,
            event=each,
        )
        for n, each in enumerate(events)
    ]
    run = RunRow(
        run_id=run_id,
        pipeline="p",
        version="v",
        state=RunState.SUCCEEDED,
        parameters={},
        created_us=now_us,
        owner=SERVER,
        fact_seq=1,
    )
    commit = Commit(instance=SERVER, runs=[run], asset_events=rows)
    await scene.store.commit(commit)
    if tell:
        scene.hub.committed(scene.owned, commit)


def _rows(client: Client, kind: str) -> list[dict[str, Any]]:
    return [
        row for event in client.patched for patch in event.patches if patch["kind"] == kind for row in patch["data"]
    ]


def _made(partition: str = "a", version: str = "v1") -> Materialized:
    return Materialized(asset="orders", partition=partition, data_version=version, rows=3)


async def test_a_list_is_told_of_an_asset_and_of_what_is_made_from_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        _define(scene)
        client = scene.client("assets")
        [first] = await client.until(1)
        assert first.patches == [{"topic": "assets", "kind": "reset", "data": []}]
        await _tell(scene, "r1", _made())
        await client.until(2)
        assert [(row["key"], row["materialized_count"]) for row in _rows(client, "assets")] == [
            ("orders", 1),
            ("totals", 0),
        ]
        assert [(row["key"], row["state"]) for row in _rows(client, "asset_nodes")] == [
            ("orders", "made"),
            ("totals", "missing"),
        ]
        await client.leave()


async def test_what_another_process_told_is_found(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        _define(scene)
        client = scene.client("assets")
        await client.until(1)
        await _tell(scene, "r1", _made(), tell=False)
        await client.until(2)
        assert [row["key"] for row in _rows(client, "assets")] == ["orders", "totals"]
        await client.leave()


async def test_a_page_is_told_of_its_asset_its_slices_and_its_history(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        _define(scene)
        await _tell(scene, "r0", _made("a"), tell=False)
        client = scene.client("asset:orders")
        await client.until(1)
        bad = Checked(asset="orders", partition="b", check="c", passed=False)
        await _tell(scene, "r1", _made("b"), bad)
        await client.until(2)
        assert _rows(client, "asset_slices") == [{"partition": "b", "state": "failing"}]
        assert [(row["kind"], row["partition"]) for row in _rows(client, "asset_events")] == [
            ("materialized", "b"),
            ("checked", "b"),
        ]
        [detail] = _rows(client, "asset")
        assert (detail["key"], detail["materialized_count"]) == ("orders", 2)
        await client.leave()


async def test_a_page_is_told_that_what_its_asset_is_made_from_changed(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        _define(scene)
        await _tell(scene, "r0", _made(), Materialized(asset="totals", partition="a", data_version="t"), tell=False)
        client, other = scene.client("asset:totals"), scene.client("asset:other")
        await client.until(1)
        await other.until(1)
        scene.clock.advance(1_000_000)
        await _tell(scene, "r1", _made(version="v2"))
        await client.until(2)
        assert _rows(client, "asset_slices") == [{"partition": "a", "state": "stale"}]
        assert _rows(client, "asset")[0]["why"] == ["orders changed since"]
        assert _rows(client, "asset_events") == []
        assert len(other.patched) == 1
        await client.leave()
        await other.leave()


async def test_when_the_files_say_something_else_everything_is_asked_for_anew(tmp_path: Path) -> None:
    async with serving(tmp_path) as scene:
        _define(scene)
        client = scene.client("assets", "asset:orders")
        await client.until(1)
        scene.hub.looked()
        scene.hub.looked(redefined=True)
        await client.until(2)
        assert {(patch["topic"], patch["kind"]) for patch in client.patched[-1].patches} <= {
            ("assets", "reset"),
            ("asset:orders", "reset"),
        }
        await client.leave()
