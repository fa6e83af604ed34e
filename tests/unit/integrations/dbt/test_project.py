"""A dbt project in a pipeline: its graph, made of a manifest; dbt is not started for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.integrations.dbt.manifests import check, document, model, unit
from tests.unit.schedule.automation.house import House
from toque import DbtProject, Eager, Files, Static, Update, Warehouse, asset, pipeline, sync
from toque.errors import UserError
from toque.graph.assets import Asset
from toque.graph.ir import Pipeline, TaskNode
from toque.graph.validate import validate

warehouse, lake = Warehouse("warehouse"), Files("lake")


@asset(key="warehouse.raw.contacts")
def by_name() -> None:
    """Fills the source, and is called like its table."""


@asset(key="crm.people")
def told() -> None:
    """Fills it too, and is not."""


def shop_manifest() -> bytes:
    return document(
        model("orders", kind="seed"),
        model("staged", "seed.orders", "source.crm.contact", description="Cleaned."),
        model("totals", "staged"),
        check("not_null_id", "staged"),
        check("rare", "totals", severity="warn"),
        check("unique_id", "totals"),
        unit("adds", "totals"),
        exposures={
            "exposure.shop.weekly": {"name": "weekly", "depends_on": {"nodes": ["model.shop.totals"]}},
        },
    )


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "manifest.json").write_bytes(shop_manifest())
    return str(tmp_path / "manifest.json")


def project(manifest: str, **options: Any) -> DbtProject:
    return DbtProject("dbt", connection=warehouse, manifest=manifest, **options)


def nodes(ir: Pipeline) -> dict[str, TaskNode]:
    assert list(validate(ir)) == []
    return {node.id: node for node in ir.nodes if isinstance(node, TaskNode)}


def upstream(ir: Pipeline) -> dict[str, set[str]]:
    return {name: {edge.source for edge in node.upstream} for name, node in nodes(ir).items()}


def test_each_entry_is_a_task_that_the_build_hosts(path: str) -> None:
    ir = pipeline("shop", assets=[project(path)]).ir
    found = nodes(ir)
    assert {name for name, node in found.items() if node.host == "dbt.build"} == {
        *("dbt.orders", "dbt.staged", "dbt.totals", "dbt.not_null_id", "dbt.rare", "dbt.unique_id", "dbt.adds"),
    }
    assert upstream(ir) == {
        "dbt.build": set(),
        "dbt.orders": set(),
        "dbt.staged": {"dbt.orders"},
        "dbt.not_null_id": {"dbt.staged"},
        "dbt.adds": {"dbt.staged", "dbt.not_null_id"},
        "dbt.totals": {"dbt.staged", "dbt.not_null_id", "dbt.adds"},
        "dbt.rare": {"dbt.totals"},
        "dbt.unique_id": {"dbt.totals"},
    }
    assert [claim.pool for claim in found["dbt.build"].policy.pools] == ["connection:warehouse"]
    assert found["dbt.staged"].writes == ("warehouse.marts.staged",)
    assert found["dbt.staged"].meta.doc == "Cleaned."


def test_tables_views_sources_and_exposures_are_assets(path: str) -> None:
    ir = pipeline("shop", assets=[project(path)]).ir
    assert {each.key: (each.node, tuple(up.asset for up in each.upstream)) for each in ir.assets} == {
        "warehouse.raw.contacts": ("", ()),
        "warehouse.marts.orders": ("dbt.orders", ()),
        "warehouse.marts.staged": ("dbt.staged", ("warehouse.marts.orders", "warehouse.raw.contacts")),
        "warehouse.marts.totals": ("dbt.totals", ("warehouse.marts.staged",)),
        "shop.weekly": ("", ("warehouse.marts.totals",)),
    }
    known = {each.key: each for each in ir.assets}
    assert known["warehouse.raw.contacts"].doc == "People."
    assert known["warehouse.marts.totals"].code_version == "totals0000000000"


def test_what_reads_a_model_waits_for_the_tests_that_block_it(path: str) -> None:
    scores = sync(warehouse.table("marts.totals"), into=lake.folder("totals"), mode=Update("id"), fields={"id": "id"})
    ir = pipeline("shop", assets=[scores, project(path)]).ir
    assert upstream(ir)["lake_totals"] == {"dbt.totals", "dbt.unique_id"}


def test_who_fills_a_source_comes_first_by_its_table_or_as_told(path: str) -> None:
    for filler, models in (
        (by_name, project(path)),
        (told, project(path, sources={"crm.contact": told})),
    ):
        found = upstream(pipeline("shop", assets=[models, filler]).ir)
        assert found["dbt.staged"] == {"dbt.orders", filler.name}
        assert found["dbt.build"] == {filler.name}
        assert found["dbt.orders"] == set()


def test_a_project_is_cut_where_something_else_lies_between_its_models(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(
        document(model("a"), model("b", "a", "source.crm.contact"), model("c", "a"), check("holds", "a"))
    )
    between = sync(
        warehouse.table("marts.a"),
        into=lake.folder("between"),
        mode=Update("id"),
        fields={"id": "id"},
    )

    models = project(str(tmp_path / "manifest.json"), sources={"crm.contact": between})
    ir = pipeline("shop", assets=[models, between]).ir
    hosts = {name: node.host for name, node in nodes(ir).items()}
    assert hosts == {
        "dbt.build": "",
        "dbt.a": "dbt.build",
        "dbt.c": "dbt.build",
        "dbt.holds": "dbt.build",
        "lake_between": "",
        "dbt.build_2": "",
        "dbt.b": "dbt.build_2",
    }
    assert upstream(ir)["dbt.b"] == {"dbt.a", "dbt.holds", "lake_between"}


def test_chosen_models_come_with_their_tests(path: str) -> None:
    models = project(path).chosen(frozenset({"warehouse.marts.staged"}))
    assert set(nodes(pipeline("shop", assets=[models]).ir)) == {"dbt.build", "dbt.staged", "dbt.not_null_id"}


def test_a_run_may_say_full_refresh_and_variables(path: str) -> None:
    models = project(path)

    @pipeline
    def shop(everything: bool = False) -> None:
        models(full_refresh=everything)

    assert set(nodes(shop.ir)["dbt.build"].kwargs) == {"build", "full_refresh"}


def test_a_project_with_partitions_makes_partitions(path: str) -> None:
    models = project(path, partitions=Static(["eu", "us"]))
    assert all(each.partitions is not None for each in models.described())


def test_two_entries_of_one_name_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(document(model("build"), model("a"), check("a", "a")))
    ir = pipeline("shop", assets=[project(str(tmp_path / "manifest.json"))]).ir
    assert set(nodes(ir)) == {"dbt.build", "dbt.model_build", "dbt.a", "dbt.test_a"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"thread": 3}, "A dbt project has no option 'thread'"),
        ({"select": "a+"}, "answered by dbt, which is not asked"),
        ({"threads": "many"}, "no dbt project: Expected `int`, got `str`"),
        ({"manifest": "nowhere.json"}, "the manifest cannot be read"),
        ({"sources": {"crm.nobody": warehouse.table("a.b")}}, "fills no source"),
    ],
)
def test_what_cannot_be_meant_is_refused(path: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        pipeline("shop", assets=[project(**{"manifest": path, **options})]).ir  # noqa: B018


def test_a_source_that_is_not_declared_is_named(path: str) -> None:
    with pytest.raises(UserError, match=r"declares no source crm\.persons") as refused:
        project(path, sources={"crm.persons": told}).described()
    assert refused.value.fix == "it declares: crm.contact"


def test_a_folder_without_a_project_says_so(tmp_path: Path) -> None:
    models = DbtProject(str(tmp_path), connection=warehouse, profile="own")
    with pytest.raises(UserError, match=r"holds no dbt_project\.yml"):
        models.described()


def test_outside_of_a_pipeline_nothing_runs_it(path: str) -> None:
    with pytest.raises(UserError, match="outside of a pipeline nothing runs it"):
        project(path)()


def test_models_are_made_by_themselves_in_one_request(path: str) -> None:
    models = project(path, automation=Eager())
    made = {asset.key: asset for asset in models.described()}
    orders, contact = (each.asset for each in made["warehouse.marts.staged"].sources)
    house = House.of(Asset(key=contact), *made.values())
    house.make(orders)
    house.make(contact)
    assert house.asks() == [(("warehouse.marts.staged", "warehouse.marts.totals"), ("",))]
    house.carry_out(house.asked[-1], failing=["warehouse.marts.staged"])
    assert house.asks() == []
