"""Connections over the API: what is declared, who uses it, and what trying one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.api.flights import LIVE
from tests.unit.api.served import Served, flying
from toque.errors import NotFound
from toque.graph.assets import Asset
from toque.graph.ir import CodeRef, Inject, Pipeline, PoolClaim, TaskNode, TaskPolicy
from toque.integrations.connection_types import connection_types
from toque.ports.connections import ConnectionType, Declared, Option, Trial
from toque.ports.project import IndexedAsset, IndexedPipeline, ProjectState
from toque.ports.store import Hold

CODE = CodeRef(module="m", qualname="f")
REVOPS = Pipeline(
    name="revops",
    nodes=(
        TaskNode(id="given", code=CODE, inject={"db": Inject(kind="connection", name="crm")}),
        TaskNode(id="holding", code=CODE, policy=TaskPolicy(pools=(PoolClaim(pool="connection:crm"),))),
        TaskNode(id="reading", code=CODE, reads=("crm.Contact",)),
        TaskNode(id="elsewhere", code=CODE, reads=("crmx.Contact",)),
    ),
)


class Known:
    """Two connections, of which one answers."""

    def declared(self) -> list[Declared]:
        key = Option(name="password", secret="env:CRM_PASSWORD", resolves=False)
        crm = Declared(name="crm", type="salesforce", slots=2, line=3, options=(key, Option(name="url", value="u")))
        return [crm, Declared(name="odd", type="mainframe", told_of=("failure",))]

    def types(self) -> list[ConnectionType]:
        return list(connection_types())

    async def test(self, name: str) -> Trial:
        if name != "crm":
            raise NotFound(f"there is no connection {name!r}", fix="declare it")
        return Trial(outcome="failed", message="refused", fix="another password", latency_us=12)


@pytest.fixture
async def served(tmp_path: Path) -> Served:
    found = await flying(tmp_path)
    found.connections, found.pools = Known(), {"connection:crm": 2}
    found.project.state = ProjectState(
        pipelines={
            "revops": IndexedPipeline(name="revops", file="r.py", version="v", file_version="v", ir=REVOPS),
            **found.project.state.pipelines,
        },
        assets={"crm.Contact": IndexedAsset(asset=Asset(key="crm.Contact"), external=True)},
    )
    found.start()
    return found


async def test_a_connection_says_where_its_secrets_are_and_who_uses_it(served: Served) -> None:
    crm, odd = (await served.get("/connections"))["items"]
    assert (crm["title"], crm["testable"], crm["file"], crm["line"]) == ("Salesforce", True, "toque.toml", 3)
    assert crm["options"] == [
        {"name": "password", "value": None, "secret": "env:CRM_PASSWORD", "resolves": False},
        {"name": "url", "value": "u", "secret": "", "resolves": True},
    ]
    assert crm["used_by"] == [{"pipeline": "revops", "tasks": ["given", "holding", "reading"]}]
    assert crm["assets"] == ["crm.Contact"]
    assert (odd["title"], odd["testable"], odd["file"], odd["told_of"]) == ("mainframe", False, "", ["failure"])


async def test_its_slots_are_those_of_its_pool(served: Served) -> None:
    await served.write(acquire=[Hold(pool="connection:crm", holder=f"{LIVE}/fetch[0]", slots=1, limit=2)])
    crm = (await served.get("/connections"))["items"][0]
    assert (crm["slots"], [each["task"] for each in crm["holders"]], crm["waiters"]) == (2, ["fetch"], [])


async def test_types_come_with_what_they_ask_for(served: Served) -> None:
    types = {each["type"]: each for each in (await served.get("/connection-types"))["items"]}
    assert types["salesforce"]["options"]["properties"]["password"]["format"] == "secret"
    assert types["duckdb"]["options"]["required"] == ["path"]
    assert (types["postgresql"]["testable"], types["slack"]["testable"]) == (True, False)


async def test_what_trying_it_came_to_is_no_error_of_the_api(served: Served) -> None:
    assert await served.post("/connections/crm/test") == {
        "outcome": "failed",
        "message": "refused",
        "fix": "another password",
        "latency_us": 12,
    }
    problem = await served.refused("POST", "/connections/nobody/test", status=404)
    assert problem["fix"] == "declare it"
