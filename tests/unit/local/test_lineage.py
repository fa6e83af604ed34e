"""The lineage of a served project: computed in a process beside, kept by what it depends on."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from toque.data.lineage.stitching import Lineage
from toque.errors import UserError
from toque.graph.assets import Asset, AssetDependency
from toque.graph.ir import CodeRef, Origin, Pipeline, TaskNode
from toque.graph.lineage import AnyColumnOrigins, Compiled, Copied, Mapped, Queried
from toque.local import lineage as local
from toque.local.lineage import ProjectLineage, declared_by
from toque.local.lineage_process import answered
from toque.ports.assets import SliceRow
from toque.ports.project import IndexedAsset, ProjectIndex, ProjectState
from toque.ports.store import Store
from toque.settings import Settings, load

CONTACT = (("id", "text"), ("visits", "int"))
MANIFEST = ".toque/dbt/dbt.json"


@dataclass
class Standings:
    """What a store knows of the columns of tables."""

    known: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    async def standings(self, keys: list[str]) -> dict[str, SliceRow]:
        return {key: SliceRow(asset=key, columns=self.known[key]) for key in keys if key in self.known}


@dataclass
class World:
    """A project whose files say this, and whose tables have these columns."""

    settings: Settings
    state: ProjectState = field(default_factory=ProjectState)
    tables: Standings = field(default_factory=Standings)

    def served(self) -> ProjectLineage:
        store = cast(Store, SimpleNamespace(assets=self.tables))
        return ProjectLineage(self.settings, store, cast(ProjectIndex, self))


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / ".toque" / "dbt").mkdir(parents=True)
    found = World(load(tmp_path, environ={}))
    found.state = ProjectState(
        assets=indexed(
            asset("wh.raw.contact", Copied(source="crm.Contact"), "crm.Contact"),
            asset("wh.scores", Queried(sql="SELECT id, visits * 2 AS score FROM wh.raw.contact"), "wh.raw.contact"),
            asset("crm.Contact", Mapped(source="wh.scores", fields={"score": "Score__c"}), "wh.scores"),
        )
    )
    found.tables.known = {"wh.raw.contact": CONTACT}
    return found


def asset(key: str, columns: AnyColumnOrigins | None, *upstream: str, node: str = "") -> Asset:
    return Asset(key=key, columns=columns, node=node, upstream=tuple(AssetDependency(asset=each) for each in upstream))


def indexed(*assets: Asset) -> dict[str, IndexedAsset]:
    return {each.key: IndexedAsset(asset=each, file="revops.py", line=7) for each in assets}


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The questions for which a process would be started; answered here."""
    asked: list[Any] = []

    async def counted(question: Any) -> Any:
        asked.append(question)
        return answered(question)

    monkeypatch.setattr(local, "_computed", counted)
    return asked


async def test_a_field_is_followed_through_loads_queries_and_syncs(world: World) -> None:
    found = (await world.served().now()).upstream("crm.Contact.Score__c")
    assert [str(end) for end in found.ends] == ["crm.Contact.visits"]
    (made,) = found.made[found.hops[0].source]
    assert (made.file, made.line, made.expression) == ("revops.py", 7, "contact.visits * 2")


async def test_what_did_not_change_is_not_computed_again_even_after_a_restart(
    world: World, computed: list[Any]
) -> None:
    served = world.served()
    first = await served.now()
    assert await served.now() is first
    assert (await world.served().now()).steps == first.steps
    assert len(computed) == 1


async def test_sql_that_takes_for_ever_holds_nobody_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "PATIENCE_S", 0.0)
    with pytest.raises(UserError, match="could not be followed"):
        await world.served().now()


async def test_another_column_or_another_definition_is_another_answer(world: World, computed: list[Any]) -> None:
    served = world.served()
    await served.now()
    world.tables.known = {"wh.raw.contact": (*CONTACT, ("more", "text"))}
    assert "more" in [each.column for each in (await served.now()).columns_of("wh.raw.contact")]
    world.state = ProjectState(assets=indexed(asset("wh.raw.contact", None)))
    assert (await served.now()).unknown
    assert len(computed) == 3


async def test_a_damaged_file_is_one_that_is_not_there(world: World, computed: list[Any]) -> None:
    first = await world.served().now()
    for name in ("lineage.json", "lineage.cache"):
        (world.settings.home / name).write_bytes(b"{")
    assert (await world.served().now()).steps == first.steps
    assert len(computed) == 2


async def test_models_are_read_from_their_manifest_and_seeds_from_their_header(
    world: World, computed: list[Any]
) -> None:
    home = world.settings.project
    model = {
        "resource_type": "model",
        "name": "scores",
        "schema": "marts",
        "compiled_code": "SELECT c.id, weight FROM raw.contact AS c, seeds.weights",
        "depends_on": {"nodes": ["seed.shop.weights"]},
    }
    seed = {"resource_type": "seed", "name": "weights", "schema": "seeds"}
    nodes = {"model.shop.scores": model, "seed.shop.weights": seed}
    (home / MANIFEST).write_text(json.dumps({"metadata": {"adapter_type": "duckdb"}, "nodes": nodes}))
    (home / "weights.csv").write_text("\ufeffkind, weight\nlogin,1\n")
    seeds = IndexedAsset(
        asset=asset("wh.seeds.weights", Compiled(manifest=MANIFEST, node="seed.shop.weights")), file="weights.csv"
    )
    scores = asset("wh.marts.scores", Compiled(manifest=MANIFEST, node="model.shop.scores"), "wh.seeds.weights")
    world.state = ProjectState(assets={**indexed(scores), "wh.seeds.weights": seeds})
    served = world.served()
    found = (await served.now()).upstream("wh.marts.scores.weight")
    assert (found.unknown, [str(end) for end in found.ends]) == ((), ["wh.seeds.weights.weight"])
    model["compiled_code"] = "SELECT 1 AS other"
    (home / MANIFEST).write_text(json.dumps({"metadata": {}, "nodes": nodes}))
    assert [each.column for each in (await served.now()).columns_of("wh.marts.scores")] == ["other"]


def test_what_pipelines_make_is_known_by_task_file_and_line_each_way_once() -> None:
    node = TaskNode(id="send", code=CodeRef(module="m", qualname="q"), origin=Origin(file="a.py", line=3))
    other = TaskNode(id="send_more", code=CodeRef(module="m", qualname="q"))
    one = asset("crm.C", Mapped(source="wh.a", fields={"x": "X"}), "wh.a", node="send")
    two = asset("crm.C", Mapped(source="wh.b", fields={"y": "Y"}), "wh.b", node="send_more")
    first = Pipeline(name="one", nodes=(node,), assets=(one, asset("wh.a", None)))
    again = Pipeline(name="two", nodes=(node, other), assets=(one, two))
    found = declared_by([first, again], [(asset("wh.b", None), "b.py", 9), (asset("crm.C", None), "b.py", 1)])
    assert [(each.key, each.by, each.file, each.line) for each in found] == [
        ("crm.C", "send", "a.py", 3),
        ("crm.C", "send_more", "", 0),
        ("wh.b", "", "b.py", 9),
    ]


def test_a_server_never_imports_the_parser() -> None:
    code = "import sys, toque.api.column_lineage, toque.local.lineage; print('sqlglot' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


def test_an_empty_project_has_no_lineage() -> None:
    assert Lineage(()).unknown == ()
