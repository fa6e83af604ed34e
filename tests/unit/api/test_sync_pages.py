"""Syncs over the API: what the project says of them, what their runs told, and the run that previews one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests import store_rows as rows
from tests.unit.api.served import Served, flying
from toque.engine.assets import Materialized
from toque.engine.rows import AssetEventRow
from toque.graph import canonical, constants
from toque.graph.expr import Const
from toque.graph.ir import CodeRef, Edge, Pipeline, TaskNode
from toque.graph.loads import TableName
from toque.graph.syncs import CODE, SyncSpec, Update, preview_of, sync_of
from toque.local.sync_previews import preview_version
from toque.ports.project import IndexedPipeline, ProjectState

SPEC = SyncSpec(
    name="crm.Contact",
    source=TableName.parse("marts.scores"),
    mode=Update("Id"),
    fields={"lead_score": "Lead_Score__c"},
    tolerate=0.02,
)
CONSTANTS: dict[str, Any] = {
    "source": {"key": "lake.marts.scores", "table": "marts.scores"},
    "into": {"key": "crm.Contact"},
    "spec": msgspec.to_builtins(SPEC),
}
REVOPS = Pipeline(
    name="revops",
    nodes=(
        TaskNode(id="load", code=CodeRef(module="m", qualname="f"), writes=("lake.raw",)),
        TaskNode(
            id="crm_Contact",
            code=CodeRef(module=CODE, qualname="run"),
            kwargs={name: Const(value=constants.encode(value)) for name, value in CONSTANTS.items()},
            upstream=(Edge(source="load", kind="order"),),
            reads=("lake.marts.scores",),
            writes=("crm.Contact",),
        ),
    ),
)
TOLD = {
    "name": "crm.Contact",
    "run": 2,
    "rows": 1840,
    "unchanged": 1740,
    "sent": 100,
    "accepted": 98,
    "rejected": 2,
    "invalid": 0,
    "created": 0,
    "updated": 88,
    "deleted": 10,
    "deviations": [{"kind": "rows", "severity": "warn", "message": "the source has 1840 rows"}],
    "rejects": [{"status": "rejected", "reason": "no such contact", "record": {"Id": "7", "Email": "***"}}],
}


@pytest.fixture
async def served(tmp_path: Path) -> Served:
    found = await flying(tmp_path)
    indexed = IndexedPipeline(name="revops", file="r.py", version="v", file_version="v", ir=REVOPS)
    found.project.state = ProjectState(pipelines={"revops": indexed})
    return found


async def tell(served: Served, at_us: int, metadata: dict[str, Any]) -> None:
    event = Materialized(asset="crm.Contact", data_version=str(at_us), metadata=metadata)
    told = AssetEventRow(
        run_id=f"r{at_us}",
        task="crm_Contact",
        attempt=1,
        n=0,
        pipeline="revops",
        asset=event.asset,
        partition="",
        kind="materialized",
        at_us=at_us,
        event=event,
    )
    await served.write(runs=[rows.run(told.run_id, owner=rows.ME)], asset_events=[told])


async def test_a_sync_says_what_it_sends_where(served: Served) -> None:
    [found] = (await served.get("/syncs"))["items"]
    assert (found["name"], found["source"], found["into"], found["mode"], found["key"]) == (
        "crm.Contact",
        "lake.marts.scores",
        "crm.Contact",
        "update",
        ["Id"],
    )
    assert (found["fields"], found["on_delete"], found["tolerate"]) == ({"lead_score": "Lead_Score__c"}, "keep", 0.02)
    assert (found["places"], found["runs"]) == ([{"pipeline": "revops", "task": "crm_Contact"}], [])


async def test_its_runs_tell_what_became_of_the_records(served: Served) -> None:
    await tell(served, 10, {"something": "else"})
    await tell(served, 20, TOLD)
    [run] = (await served.get("/syncs/crm.Contact"))["runs"]
    assert (run["run_id"], run["sent"], run["updated"], run["deleted"], run["rejected"]) == ("r20", 100, 88, 10, 2)
    assert run["deviations"][0]["message"] == "the source has 1840 rows"
    assert run["rejects"] == [
        {"status": "rejected", "reason": "no such contact", "record": {"Id": "7", "Email": "***"}}
    ]


async def test_a_preview_is_a_run_of_its_own(served: Served) -> None:
    run = await served.post("/syncs/crm.Contact/preview", status=201)
    assert (run["pipeline"], run["state"], run["actor"], run["reason"]) == (
        "preview",
        "queued",
        "ada",
        "revops/crm_Contact",
    )


async def test_a_sync_that_nobody_knows_is_not_found(served: Served) -> None:
    await served.refused("GET", "/syncs/nobody", status=404)
    await served.refused("POST", "/syncs/nobody/preview", status=404)


def test_a_preview_waits_for_nothing_and_writes_nothing() -> None:
    alone = preview_of(REVOPS, "crm_Contact")
    assert alone is not None
    [node] = alone.nodes
    assert isinstance(node, TaskNode)
    assert (node.upstream, node.writes, node.kwargs["dry_run"]) == ((), (), Const(value=True))
    said = sync_of(node)
    assert said is not None
    assert said.spec == SPEC
    assert preview_of(REVOPS, "load") is None


def test_the_version_of_a_preview_has_the_code_of_its_pipeline() -> None:
    current = rows.version("v1", pipeline="revops", bundle="b7", ir=canonical.encode(REVOPS))
    made = preview_version(current, "crm_Contact", actor="ada", now_us=5)
    assert (made.pipeline, made.bundle, made.actor, made.created_us) == ("preview", "b7", "ada", 5)
    assert made.version.endswith("b7")
    assert made.version != current.version
