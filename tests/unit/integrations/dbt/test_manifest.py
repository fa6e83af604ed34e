"""What a manifest says: what is run, in which order, and what waits for what."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.integrations.dbt.manifests import check, document, manifest, model, unit
from toque.errors import UserError
from toque.integrations.dbt.manifest import Manifest, read


def waits(found: Manifest) -> dict[str, set[str]]:
    """By name, the names of what each waits for."""
    names = {name: each.name for name, each in found.entries.items()}
    return {each.name: {names[other] for other in each.waits} for each in found.entries.values()}


def test_a_model_waits_for_what_it_reads_and_for_the_tests_of_that() -> None:
    found = manifest(
        model("orders", kind="seed"),
        model("staged", "seed.orders"),
        model("totals", "staged"),
        check("not_null_staged_id", "staged"),
        check("not_null_totals_id", "totals"),
    )
    assert waits(found) == {
        "orders": set(),
        "staged": {"orders"},
        "not_null_staged_id": {"staged"},
        "totals": {"staged", "not_null_staged_id"},
        "not_null_totals_id": {"totals"},
    }
    order = [each.name for each in found.entries.values()]
    assert all(
        order.index(above) < order.index(name) for name, all_above in waits(found).items() for above in all_above
    )


def test_a_test_that_was_waited_for_further_up_is_not_named_again() -> None:
    found = manifest(model("a"), model("b", "a"), model("c", "b"), check("holds", "a"))
    assert waits(found)["c"] == {"b"}


def test_a_test_of_two_models_holds_back_only_what_comes_after_both() -> None:
    found = manifest(
        model("a"), model("b"), model("after_a", "a"), model("after_both", "a", "b"), check("related", "a", "b")
    )
    assert waits(found)["after_a"] == {"a"}
    assert waits(found)["after_both"] == {"a", "b", "related"}


def test_a_unit_test_runs_before_its_model_on_what_that_reads() -> None:
    found = manifest(model("a"), model("b", "a"), check("holds", "a"), unit("adds", "b"))
    assert waits(found)["adds"] == {"a", "holds"}
    assert waits(found)["b"] == {"a", "holds", "adds"}


def test_what_is_ephemeral_is_not_run_and_hands_on_what_it_reads() -> None:
    found = manifest(model("a"), model("between", "a", materialized="ephemeral"), model("b", "between"))
    assert waits(found) == {"a": set(), "b": {"a"}}
    assert found.entries["model.shop.b"].upstream == ("model.shop.a",)


def test_a_test_of_a_source_holds_back_what_reads_it() -> None:
    found = manifest(model("staged", "source.crm.contact"), check("fresh", "source.crm.contact"))
    assert waits(found)["staged"] == {"fresh"}


def test_what_is_disabled_or_an_analysis_is_no_entry() -> None:
    analysis = model("look")[1] | {"resource_type": "analysis", "unique_id": "analysis.shop.look"}
    found = manifest(model("a"), model("off", enabled=False), ("analysis.shop.look", analysis))
    assert list(waits(found)) == ["a"]


def test_entries_that_are_left_out_still_order_those_around_them() -> None:
    found = manifest(model("a"), model("b", "a"), model("c", "b"))
    left = found.selected(["model.shop.a", "model.shop.c"])
    assert waits(left) == {"a": set(), "c": {"a"}}


def test_versions_severities_owners_and_columns_are_read() -> None:
    columns = {"id": {"name": "id", "data_type": "integer", "description": "Its number.", "meta": {"pii": True}}}
    found = manifest(
        model("customers", version=2, alias="customers_v2", description="Who buys.", columns=columns, group="sales"),
        check("rare", "customers", severity="WARN", column_name="id"),
        groups={"group.shop.sales": {"name": "sales", "owner": {"email": "sales@example.com"}}},
    )
    made, test = found.entries.values()
    assert (made.name, made.owner, made.doc, made.checksum) == (
        "customers_v2",
        "sales@example.com",
        "Who buys.",
        "customers00000000"[:16],
    )
    assert (made.columns[0].data_type, made.columns[0].meta) == ("integer", {"pii": True})
    assert (test.severity, test.column, test.tests) == ("warn", "id", ("model.shop.customers",))


def test_sources_and_exposures_are_known() -> None:
    exposure = {"name": "weekly", "owner": {"name": "Ann"}, "depends_on": {"nodes": ["model.shop.a"]}}
    found = manifest(model("a"), exposures={"exposure.shop.weekly": exposure})
    (source,) = found.sources.values()
    assert (source.label, source.schema, source.table) == ("crm.contact", "raw", "contacts")
    assert [(each.name, each.owner, each.upstream) for each in found.exposures] == [
        ("weekly", "Ann", ("model.shop.a",))
    ]


def test_the_relation_that_a_test_hangs_on_comes_first() -> None:
    found = manifest(model("a"), model("b"), check("related", "b", "a"))
    assert found.entries["test.shop.related.0a1b2c"].tests == ("model.shop.b", "model.shop.a")


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"metadata": {}, "nodes": {}, "sources": {}}'])
def test_what_is_no_manifest_is_refused(text: bytes) -> None:
    with pytest.raises(UserError, match="no manifest of dbt") as refused:
        read(text, file="dbt/target/manifest.json")
    assert refused.value.file == "dbt/target/manifest.json"


def test_a_manifest_of_another_age_is_refused() -> None:
    with pytest.raises(UserError, match="schema 21, and Toque reads 10 to 12"):
        read(document(model("a"), schema=21))


def test_a_manifest_is_a_value() -> None:
    assert msgspec.json.encode(manifest(model("a"))) == msgspec.json.encode(manifest(model("a")))
