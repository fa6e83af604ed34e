"""Backfills of assets over the API: planned, started, looked at slice by slice, paused, retried."""

from __future__ import annotations

from typing import Any

import msgspec

from tests import store_rows as rows
from tests import trigger_rows as made
from tests.unit.api.served import Served
from toque.engine.assets import Materialized
from toque.engine.rows import AssetEventRow
from toque.engine.states import BackfillState, SliceState
from toque.graph.assets import Asset
from toque.graph.ir import CodeRef, Pipeline, TaskNode
from toque.graph.partitions import DynamicKeys, TimeWindows
from toque.ports.backfills import BackfillStage, SliceQuery
from toque.ports.project import IndexedAsset, ProjectState
from toque.runtime.planning import Stage

DAYS = TimeWindows(every="day", start="2020-01-01", end="2020-01-04")
ASSETS = ("orders", "revenue")


def stage() -> Stage:
    """Two assets, cut by day, made by one run."""
    code = CodeRef(module="sales", qualname="make")
    return Stage(
        "v1",
        Pipeline(
            name="materialize",
            nodes=tuple(TaskNode(id=key, code=code, writes=(key,)) for key in ASSETS),
            assets=tuple(Asset(key=key, node=key, partitions=DAYS) for key in ASSETS),
        ),
    )


async def asked(served: Served, **body: Any) -> dict[str, Any]:
    said = await served.send("POST", "/backfills", {"selection": "*", "partitions": "all", **body})
    assert said.status == 201, said.json
    return said.json  # type: ignore[no-any-return]


async def test_a_dry_run_says_what_would_be_made_and_keeps_nothing(served: Served) -> None:
    served.plans.stages = [stage()]
    said = await asked(served, dry_run=True)
    assert (said["id"], said["state"], said["total"]) == ("", "planned", 4)
    assert said["stages"] == [{"assets": list(ASSETS), "total": 4}]
    assert [each["partition"] for each in said["planned"]] == [f"2020-01-0{n}" for n in (1, 2, 3, 4)]
    assert await served.store.backfills.list_backfills() == []


async def test_it_is_started_once_for_one_key(served: Served) -> None:
    served.plans.stages = [stage()]
    said = await asked(served, partitions="2020-01-02..2020-01-03", reason="late")
    assert (said["state"], said["total"], said["partitions"], said["actor"]) == (
        *("running", 2, "2020-01-02..2020-01-03"),
        "ada",
    )
    assert len(await served.store.backfills.list_backfills()) == 1


async def test_there_may_be_nothing_to_make(served: Served) -> None:
    served.plans.stages = []
    said = await asked(served, partitions="", missing=True)
    assert (said["id"], said["total"]) == ("", 0)


async def test_what_cannot_be_planned_says_why(served: Served) -> None:
    served.plans.stages = [stage()]
    said = await served.send("POST", "/backfills", {"selection": "*"})
    assert (said.status, said.json["detail"]) == (422, "orders, revenue: which partitions?")


async def test_its_matrix_tells_what_a_run_made_before_it_failed(served: Served) -> None:
    await half_done(served)
    said = await served.send("GET", "/backfills/b1/matrix")
    [of_days] = said.json["stages"]
    assert of_days["keys"] == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert {row["asset"]: row["cells"] for row in of_days["rows"]} == {"a": "mmr", "b": "mfr"}
    failed = await served.send("GET", "/backfills/b1/slices", state="failed")
    assert [(each["n"], each["run_id"], each["error"]) for each in failed.json["items"]] == [(1, "r1", "no milk")]


async def half_done(served: Served) -> None:
    """The first day was made, of the second only `a`, the third is under way."""
    cut = TimeWindows(every="day", start="2026-01-01")
    stages = (BackfillStage(version="v1", assets=("a", "b"), partitions=cut, total=3),)
    found = made.slices("b1", 3)
    states = (SliceState.SUCCEEDED, SliceState.FAILED, SliceState.RUNNING)
    for each, state in zip(found, states, strict=True):
        each.state, each.run_id, each.error = state, f"r{each.n}", "no milk" if each.n == 1 else ""
    await served.store.backfills.create(made.backfill("b1", stages=stages, selection="*"), found)
    events = [
        AssetEventRow(
            run_id="r1",
            task="a",
            attempt=1,
            n=0,
            pipeline="materialize",
            asset="a",
            partition="2026-01-02",
            kind="materialized",
            at_us=50,
            event=Materialized(asset="a", partition="2026-01-02", data_version="x"),
        )
    ]
    await served.store.commit(rows.commit(runs=[rows.run("r1")], asset_events=events))


async def test_slices_come_in_pages(served: Served) -> None:
    await half_done(served)
    first = await served.send("GET", "/backfills/b1/slices", limit=2)
    assert [each["n"] for each in first.json["items"]] == [0, 1]
    rest = await served.send("GET", "/backfills/b1/slices", limit=2, cursor=first.json["next"])
    assert ([each["n"] for each in rest.json["items"]], rest.json["next"]) == ([2], None)
    assert (await served.send("GET", "/backfills/nope/slices")).status == 404
    assert (await served.send("GET", "/backfills/nope/matrix")).status == 404


async def test_it_is_paused_goes_on_and_is_retried(served: Served) -> None:
    await half_done(served)
    assert (await served.send("POST", "/backfills/b1/pause")).json["paused"] is True
    assert (await served.send("POST", "/backfills/b1/resume")).json["paused"] is False
    row = await served.store.backfills.get("b1")
    assert row is not None
    over = msgspec.structs.replace(row, state=BackfillState.FAILED, finished_us=9)
    assert await served.store.backfills.advance(over)
    assert (await served.send("POST", "/backfills/b1/pause")).status == 409
    said = await served.send("POST", "/backfills/b1/retry")
    assert (said.json["state"], said.json["rounds"], said.json["failed"]) == ("running", 1, 0)
    waiting = await served.store.backfills.slices("b1", SliceQuery(states=(SliceState.WAITING,)))
    assert [each.n for each in waiting] == [1]
    await served.store.backfills.create(made.backfill("b2", state=BackfillState.FAILED))
    assert (await served.send("POST", "/backfills/b2/retry")).status == 409


async def test_keys_are_added_to_dynamic_partitions(served: Served) -> None:
    customers = Asset(key="bills", partitions=DynamicKeys(name="customers"))
    served.project.state = ProjectState(assets={"bills": IndexedAsset(asset=customers)})
    assert (await served.send("GET", "/partitions/customers")).json == {"name": "customers", "keys": []}
    said = await served.send("POST", "/partitions/customers", {"keys": ["c2", "c1", "c2"]})
    assert said.json["keys"] == ["c1", "c2"]
    asset = (await served.send("GET", "/assets/bills")).json
    assert (asset["partitions"]["count"], asset["partitions"]["dynamic"]) == (2, ["customers"])
    states = (await served.send("GET", "/assets/bills/partitions")).json
    assert (states["keys"], states["cells"]) == (["c1", "c2"], "..")
    wrong = await served.send("POST", "/partitions/customers", {"keys": ["a..b"]})
    assert (wrong.status, "cannot be the key" in wrong.json["detail"]) == (422, True)
