"""Steps of a project: what each way of making columns gives, in the order in which tables become known."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import pytest

from tests.unit.data.lineage.test_dbt import manifest
from toque.data.lineage.project import Declared, project_steps
from toque.data.lineage.sql import Cache
from toque.data.lineage.steps import Step
from toque.data.lineage.stitching import Lineage
from toque.graph.lineage import AnyColumnOrigins, Compiled, Copied, Mapped, Queried, Stated

CONTACT = (("id", "text"), ("visits", "int"), ("_toque_deleted", "bool"))


def asset(key: str, columns: AnyColumnOrigins | None = None, *inputs: str, **rest: Any) -> Declared:
    return Declared(key=key, columns=columns, inputs=inputs, **rest)


def read(path: str) -> Mapping[str, Any]:
    if path != "dbt/target/manifest.json":
        raise FileNotFoundError(path)
    return manifest()


def steps(*assets: Declared, known: Mapping[str, Any] | None = None, cache: Cache | None = None) -> dict[str, Step]:
    return {step.target: step for step in project_steps(assets, known or {}, read, cache)}


CONTACTS = asset("wh.raw.contact", Copied(source="crm.Contact"), "crm.Contact", by="contacts", file="revops.py", line=3)


def test_a_load_copies_the_columns_that_its_table_has_and_adds_its_own() -> None:
    (step,) = steps(CONTACTS, known={"wh.raw.contact": CONTACT}).values()
    assert [(each.name, [source.table for source in each.sources]) for each in step.columns] == [
        ("id", ["crm.Contact"]),
        ("visits", ["crm.Contact"]),
        ("_toque_deleted", []),
    ]
    assert (step.via, step.by, step.file, step.line) == ("load", "contacts", "revops.py", 3)


def test_columns_that_a_load_says_are_its_own_come_from_nowhere() -> None:
    history = asset("wh.h", Copied(source="crm.C", own=("valid_from",)))
    (step,) = steps(history, known={"wh.h": (("id", ""), ("valid_from", ""))}).values()
    assert [bool(each.sources) for each in step.columns] == [True, False]


def test_a_load_that_never_ran_has_the_columns_of_its_source_or_none() -> None:
    assert [each.name for each in steps(CONTACTS, known={"crm.Contact": (("id", ""),)})["wh.raw.contact"].columns] == [
        "id"
    ]
    assert steps(CONTACTS)["wh.raw.contact"].problem == "its columns are known once it was loaded"


def test_a_function_that_says_nothing_is_counted_as_unknown() -> None:
    (step,) = steps(asset("wh.report", None, "wh.a", by="report")).values()
    assert (step.inputs, step.problem, step.via) == (
        ("wh.a",),
        "its function does not say what its columns are made of",
        "python",
    )
    assert len(Lineage([step]).unknown) == 1


def test_an_author_says_columns_one_by_one_or_as_a_query() -> None:
    stated = asset("wh.b", Stated(columns={"total": ("wh.a.net", "wh.a.tax"), "version": ()}))
    queried = asset("wh.c", Queried(sql="SELECT *, total * 2 AS twice FROM b"), "wh.b")
    found = steps(queried, stated)
    assert [each.column for each in found["wh.b"].columns[0].sources] == ["net", "tax"]
    assert found["wh.b"].inputs == ("wh.a",)
    assert [each.name for each in found["wh.c"].columns] == ["total", "version", "twice"]


def test_a_project_is_one_graph_from_the_crm_to_the_crm() -> None:
    """Syncs are last, and a CRM that is loaded and written to is no cycle."""
    scores = asset("crm.Contact", Mapped(source="wh.marts.a_scores", fields={"score": "Score__c"}), "wh.marts.a_scores")
    models = [
        asset(f"wh.{name}", Compiled(manifest="dbt/target/manifest.json", node=f"model.shop.{name}"), "wh.raw.contact")
        for name in ("marts.a_scores", "staging.stg_contact")
    ]
    cache: Cache = {}
    found = steps(scores, *models, CONTACTS, known={"wh.raw.contact": CONTACT}, cache=cache)
    assert list(found)[-1] == "crm.Contact"
    origin = Lineage(found.values()).upstream("crm.Contact.Score__c")
    assert [str(end) for end in origin.ends] == ["crm.Contact.visits", "wh.seeds.weights.weight"]
    assert len(cache) == 3
    other = (*CONTACT, ("more", "text"))
    steps(scores, *models, CONTACTS, known={"wh.raw.contact": other}, cache=cache)
    assert len(cache) == 6, "what reads the table is parsed anew"


def test_two_syncs_into_one_object_are_both_known() -> None:
    one = asset("crm.Contact", Mapped(source="wh.a", fields={"x": "X__c"}))
    other = asset("crm.Contact", Mapped(source="wh.b", fields={"y": "Y__c"}))
    lineage = Lineage(project_steps([one, other], {}, read))
    assert [str(lineage.upstream(f"crm.Contact.{field}").ends[0]) for field in ("X__c", "Y__c")] == ["wh.a.x", "wh.b.y"]


def test_sql_means_what_something_else_makes_by_its_own_name() -> None:
    orders = asset("shop.public.orders", external=True)
    found = steps(asset("wh.a", Queried(sql="SELECT amount FROM shop.public.orders")), orders)
    assert list(found) == ["wh.a"]
    assert found["wh.a"].columns[0].sources[0].table == "shop.public.orders"


def test_a_manifest_that_is_not_there_leaves_its_models_unknown() -> None:
    lost = [asset(f"wh.{name}", Compiled(manifest="gone.json", node=name), "wh.raw.contact") for name in "ab"]
    found = steps(*lost)
    assert [step.problem for step in found.values()] == ["gone.json cannot be read: gone.json"] * 2
    assert found["wh.a"].inputs == ("wh.raw.contact",)


def test_without_sqlglot_queries_and_models_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    model = asset("wh.m", Compiled(manifest="dbt/target/manifest.json", node="m"))
    found = steps(asset("wh.q", Queried(sql="SELECT 1")), model, CONTACTS, known={"wh.raw.contact": CONTACT})
    assert "pip install" in found["wh.q"].problem
    assert "pip install" in found["wh.m"].problem
    assert found["wh.raw.contact"].problem == ""


def test_a_circle_of_assets_is_told_in_the_order_in_which_they_stand() -> None:
    assert list(steps(asset("a", None, "b"), asset("b", None, "a"))) == ["a", "b"]


def test_a_sync_under_another_name_still_writes_the_fields_of_its_object() -> None:
    sync = asset("contact_scores", Mapped(source="wh.a", fields={"x": "X__c"}, into="crm.Contact"))
    assert list(steps(sync)) == ["crm.Contact"]
