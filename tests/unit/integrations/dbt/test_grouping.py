"""Cutting a project into builds: no path leaves one and comes back to it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.integrations.dbt.manifests import check, manifest, model
from toque.graph.assets import Asset, AssetDependency
from toque.integrations.dbt.grouping import levels
from toque.integrations.dbt.manifest import Manifest


def keys(found: Manifest) -> dict[str, str]:
    return {
        **{name: f"w.{each.alias}" for name, each in found.entries.items() if not each.is_test},
        **{name: f"w.{each.table}" for name, each in found.sources.items()},
    }


def asset(key: str, *above: str) -> Asset:
    return Asset(key=key, upstream=tuple(AssetDependency(asset=each) for each in above))


def test_a_project_that_nothing_leaves_is_one_build() -> None:
    found = manifest(model("a", "source.crm.contact"), model("b", "a"), check("holds", "b"))
    assert set(levels(found, keys(found), [asset("w.contacts"), asset("crm.Contact", "w.b")]).values()) == {0}


def test_what_is_made_from_something_that_was_made_from_a_model_is_a_later_build() -> None:
    found = manifest(
        model("a"), model("b", "source.crm.contact"), model("c", "b"), check("holds", "c"), model("d", "a")
    )
    others = [asset("w.contacts", "py.between"), asset("py.between", "w.a")]
    assert levels(found, keys(found), others) == {
        "model.shop.a": 0,
        "model.shop.d": 0,
        "model.shop.b": 1,
        "model.shop.c": 1,
        "test.shop.holds.0a1b2c": 1,
    }


def test_what_is_only_observed_cuts_nothing() -> None:
    found = manifest(model("a"), model("b", "a", "source.crm.contact"))
    observing = Asset(key="w.contacts", upstream=(AssetDependency(asset="w.a", observed=True),))
    assert set(levels(found, keys(found), [observing]).values()) == {0}


@given(st.lists(st.lists(st.integers(0, 30), max_size=3), min_size=1, max_size=12), st.data())
def test_between_builds_paths_only_lead_forward(shape: list[list[int]], data: st.DataObject) -> None:
    """However models and other assets alternate: along each edge the build never goes down, and through something that
    is not dbt it goes up."""
    made = [model(f"m{n}", *{f"m{each}" for each in above if each < n}) for n, above in enumerate(shape)]
    reads_source = data.draw(st.integers(0, len(shape) - 1))
    made[reads_source][1]["depends_on"]["nodes"].append("source.shop.crm.contact")
    read_by_other = data.draw(st.integers(0, reads_source))
    found = manifest(*made)
    behind = found.entries[f"model.shop.m{reads_source}"]
    others = [asset("w.contacts", f"w.m{read_by_other}")] if read_by_other < reads_source else [asset("w.contacts")]
    level = levels(found, keys(found), others)
    for name, entry in found.entries.items():
        assert all(level[other] <= level[name] for other in entry.waits)
    if read_by_other < reads_source:
        assert level[f"model.shop.m{read_by_other}"] < level[behind.unique_id]
