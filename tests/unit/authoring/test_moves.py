"""Loads and syncs as they are written: what is refused, with the fix, and what follows for graphs and selections."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent

import pytest

from tests.unit.authoring.conftest import Refused
from toque.authoring import asset_graphs, loader
from toque.authoring.loader import Runnable
from toque.authoring.producers import producers_among, read_by, written_by
from toque.graph.ir import Pipeline, TaskNode
from toque.integrations.connections.warehouse import Warehouse

Load = Callable[[str], list[Runnable]]

HEAD = dedent(
    """
    from toque import (
        Append, Files, Http, Merge, Postgres, Retry, Salesforce, Update, Upsert, Warehouse, asset, flow, load, pipeline,
        select, sync, task,
    )

    crm, app, warehouse, drop = Salesforce("crm"), Postgres("app"), Warehouse("warehouse"), Files("drop")
    contact = warehouse.table("raw.contact")
    contacts = load(crm.changes("Contact"), into=contact, mode=Merge("Id"), group="raw", tags=["crm"])
    events = load(app.changes("public.events"), into=warehouse.table("raw.events"), mode=Append("id"), retries=0)

    @asset(io=warehouse.tables("marts"), reads=[contact, "warehouse.raw.events"])
    def scores() -> list: ...

    fields = {"score": "Score__c"}
    back = sync(warehouse.table("marts.scores"), into=crm.object("Contact"), mode=Update("Id"), fields=fields)
    """
)


@pytest.fixture
def graph(load: Load) -> Callable[[str], Pipeline]:
    return lambda source: load(HEAD + dedent(source))[-1].ir


def edges(pipeline: Pipeline) -> dict[str, list[str]]:
    return {node.id: [edge.source for edge in node.upstream] for node in pipeline.nodes}


def test_loads_assets_and_syncs_are_joined_by_the_tables_that_they_share(graph: Callable[[str], Pipeline]) -> None:
    found = graph('revops = pipeline("revops", assets=[back, scores, events, contacts])')
    assert edges(found) == {
        "raw_contact": [],
        "raw_events": [],
        "scores": ["raw_contact", "raw_events"],
        "crm_Contact": ["scores"],
    }
    assert {asset.key for asset in found.assets if not asset.node} == {"app.public.events"}


def test_a_selection_follows_what_is_made_from_what(graph: Callable[[str], Pipeline]) -> None:
    assert list(edges(graph('some = pipeline("some", assets=select("tag:crm+"))'))) == [
        "raw_contact",
        "scores",
        "crm_Contact",
    ]
    assert list(edges(graph('some = pipeline("some", assets=select("group:raw"))'))) == ["raw_contact"]


def test_the_stages_of_a_selection_are_made_of_producers(load: Load, graph: Callable[[str], Pipeline]) -> None:
    graph('revops = pipeline("revops", assets=[contacts])')
    module = loader.sys.modules["flows"]
    known = producers_among(vars(module).values())
    assert [written_by(each) for each in known] == [
        ("warehouse.raw.contact",),
        ("warehouse.raw.events",),
        ("warehouse.marts.scores",),
        ("crm.Contact",),
    ]
    assert [read_by(each) for each in known] == [
        (),
        (),
        ("warehouse.raw.contact", "warehouse.raw.events"),
        ("warehouse.marts.scores",),
    ]
    (stage,) = asset_graphs.stages_of("made", "warehouse.marts.scores+", known)
    assert list(edges(stage.ir)) == ["scores", "crm_Contact"]
    assert known[0].lines() == {"warehouse.raw.contact": 8}


def test_in_a_body_they_are_called_as_tasks_are(graph: Callable[[str], Pipeline]) -> None:
    found = graph(
        """
        @task
        def first(): ...

        @pipeline
        def revops():
            contacts.after(first()).options(name="people", retries=7, owner="crm")()
        """
    )
    (node,) = (each for each in found.nodes if isinstance(each, TaskNode) and each.id == "people")
    assert ([edge.source for edge in node.upstream], node.meta.owner) == (["first"], "crm")
    assert node.policy.retry is not None
    assert (node.policy.retry.times, node.policy.retry.classes) == (7, None)


def test_what_its_author_states_is_the_version_of_what_a_load_makes(load: Load) -> None:
    pipeline = 'p = pipeline("p", assets=[load(crm.changes("Lead"), into=warehouse.table("raw.lead"), mode={})])'
    versions = []
    for mode in ('Merge("Id")', 'Upsert("Id")', 'Merge("Id")'):
        ir = load(HEAD + pipeline.format(mode))[-1].ir
        versions.append(next(asset.code_version for asset in ir.assets if asset.node))
    assert versions[0] == versions[2] != versions[1]


def test_what_is_made_knows_the_names_of_its_checks(load: Load) -> None:
    given = """from toque import not_null, row_count
contacts = load(crm.changes("Lead"), into=warehouse.table("raw.lead"), mode=Merge("Id"), checks=[
    not_null("Id"), row_count(min=1).named("some")])
scores = sync(warehouse.table("raw.lead"), into=crm.object("Contact"), mode=Update("Id"), fields={"a": "b"})
p = pipeline("p", assets=[contacts, scores])"""
    assets = load(HEAD + given)[-1].ir.assets
    assert {asset.key: asset.checks for asset in assets if asset.node} == {
        "warehouse.raw.lead": ("not_null(Id)", "some"),
        "crm.Contact": None,
    }


@pytest.mark.parametrize(
    ("source", "said", "fix"),
    [
        (
            'load(crm.changes("Lead"), into="raw.lead", mode=Merge("Id"))',
            "into='raw.lead' is no table.",
            'into=warehouse.table("raw.contact")',
        ),
        (
            'load(crm.changes("Lead"), into=warehouse.table("raw.lead"), mode="merge")',
            "mode='merge' does not say what becomes of the rows.",
            'mode=Merge("id"), Append(), …',
        ),
        (
            'load(crm.changes("Lead"), into=warehouse.table("raw.lead"), mode=Merge("Id"), checks=["id"])',
            "'id' is no check.",
            'checks=[not_null("id"), row_count(min=1).warn()]',
        ),
        (
            'load(crm.changes("Lead"), into=warehouse.table("raw.lead"), mode=Merge("Id"), retires=3)',
            "A load has no option 'retires'.",
            "retries=…",
        ),
        (
            'load(crm.changes("Lead"), into=warehouse.table("raw.lead"), mod=Merge("Id"))',
            "A load has no option 'mod'.",
            'mode=Merge("id"), Append(), …',
        ),
        (
            'load(crm.changes("Lead"), into=warehouse.table("raw.lead"), mode=Merge("Id"), chekcs=[])',
            "A load has no option 'chekcs'.",
            "checks=…",
        ),
        (
            'sync(warehouse.table("a.b"), into=crm.object("Lead"), mode=Upsert("Id"))',
            "A sync needs fields=.",
            'fields={"lead_score": "Lead_Score__c"}',
        ),
        ('contacts.options(retires=3)', "A load or sync has no option 'retires'.", "retries=…"),
        (
            'load(object(), into=warehouse.table("raw.lead"), mode=Merge("Id"))',
            "cannot be the source of a load: a worker finds it by its name in a module.",
            "assign it to a name at the top level first",
        ),
        (
            'sync("marts.scores", into=crm.object("Lead"), mode=Upsert("Id"), fields={"a": "b"})',
            "'marts.scores' is no table.",
            'sync(warehouse.table("marts.scores"), …)',
        ),
        (
            'from toque import asset\n@asset(io=warehouse.tables("marts"))\ndef by_day() -> list[int]:\n    return []\n'
            'sync(by_day, into=crm.object("Lead"), mode=Upsert("Id"), fields={"a": "b"})',
            "<asset warehouse.marts.by_day> is no table.",
            'sync(warehouse.table("marts.by_day"), …)',
        ),
        (
            'sync(warehouse.table("a.b"), into=crm.object("Lead"), mode=Upsert("Id"), fields={})',
            "fields maps nothing: nothing would be sent.",
            'fields={"lead_score": "Lead_Score__c"}',
        ),
        (
            'sync(warehouse.table("a.b"), into=crm.object("Lead"), mode=Upsert("Id"), fields={"a": "b"}, tolerate="x")',
            "tolerate='x' is neither a count nor a share.",
            'tolerate=3 or tolerate="2%"',
        ),
        ('crm.changes("A B")', "'A B' cannot be part of the key of an asset.", 'names joined by dots: "raw.contact"'),
        ('warehouse.query(" ", name="x")', "query() has no query.", 'warehouse.query("SELECT …", name="…")'),
        ("contacts()", "raw_contact is called at the top level of a module", "call raw_contact"),
        ("@pipeline\ndef p():\n    contacts(3)\np.ir", "raw_contact takes no arguments.", "raw_contact.after(…)()"),
        (
            'p = pipeline("p", assets=[contacts, load(app.changes("a.b"), into=contact, mode=Append())])',
            "Two assets have the key warehouse.raw.contact.",
            "leave it to one of them",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_the_fix(refused: Refused, source: str, said: str, fix: str) -> None:
    text = refused(HEAD + source + "\n")
    assert said in text
    assert fix in text


def test_a_warehouse_that_is_not_open_says_how_to_get_one() -> None:
    from toque.errors import UserError

    with pytest.raises(UserError, match="warehouse is not open") as raised:
        Warehouse("warehouse").execute("SELECT 1")
    assert "use(warehouse)" in raised.value.fix


def test_paths_that_are_no_names_become_some(load: Load) -> None:
    source = """
        files = load(drop.files("in/2026-*/orders.csv"), into=warehouse.table("raw.a"), mode=Append())
        orders = load(Http("shop").records("/v1/orders"), into=warehouse.table("raw.b"), mode=Append())
        p = pipeline("p", assets=[files, orders])
    """
    found = load(HEAD + dedent(source))[-1].ir
    assert [asset.key for asset in found.assets if not asset.node] == ["drop.in_2026_orders_csv", "shop.v1_orders"]
