"""What a text selects of a graph of assets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.errors import UserError
from toque.graph.selection import Selectable, select

ASSETS = [
    Selectable("raw.orders", group="raw", tags=("daily",), owner="ana"),
    Selectable("raw.events", group="raw"),
    Selectable("staging.orders", ("raw.orders",), "staging"),
    Selectable("marts.revenue", ("staging.orders",), "marts", ("daily", "money"), "bob"),
    Selectable("marts.usage", ("raw.events", "staging.orders"), "marts"),
    Selectable("report", ("marts.revenue", "marts.usage", "crm.contact")),
]
KEYS = [asset.key for asset in ASSETS]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("report", ["report"]),
        ("revenue", ["marts.revenue"]),
        ("marts.*", ["marts.revenue", "marts.usage"]),
        ("*", KEYS),
        ("+marts.revenue", ["raw.orders", "staging.orders", "marts.revenue"]),
        ("1+marts.revenue", ["staging.orders", "marts.revenue"]),
        ("staging.orders+", ["staging.orders", "marts.revenue", "marts.usage", "report"]),
        ("staging.orders+1", ["staging.orders", "marts.revenue", "marts.usage"]),
        ("raw.orders+2", ["raw.orders", "staging.orders", "marts.revenue", "marts.usage"]),
        ("1+marts.*+1", ["raw.events", "staging.orders", "marts.revenue", "marts.usage", "report"]),
        ("group:raw", ["raw.orders", "raw.events"]),
        ("group:raw+1", ["raw.orders", "raw.events", "staging.orders", "marts.usage"]),
        ("tag:daily", ["raw.orders", "marts.revenue"]),
        ("owner:bob", ["marts.revenue"]),
        ("key:raw.*", ["raw.orders", "raw.events"]),
        ("report, raw.events", ["raw.events", "report"]),
        ("report raw.events", ["raw.events", "report"]),
        ("!raw.*", ["staging.orders", "marts.revenue", "marts.usage", "report"]),
        ("+report, !marts.*", ["raw.orders", "raw.events", "staging.orders", "report"]),
    ],
)
def test_a_selection(text: str, expected: list[str]) -> None:
    assert list(select(text, ASSETS)) == expected


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        ("", "is empty", "key of an asset"),
        ("reprot", "No asset is selected by 'reprot'", "report"),
        ("orders", "is the end of 2 keys", "raw.orders, staging.orders"),
        ("groups:raw", "'groups' is no way to select", "group:raw"),
        ("tag:hourly", "No asset is selected by 'tag:hourly'", "toque assets"),
        ("a++b", "is no selection", "marts.*"),
        ("report, !report", "selects nothing", "toque assets"),
    ],
)
def test_what_selects_nothing_says_what_would(text: str, message: str, fix: str) -> None:
    with pytest.raises(UserError) as refused:
        select(text, ASSETS)
    assert message in refused.value.message
    assert fix in refused.value.fix


@given(st.sampled_from(KEYS), st.integers(0, 5))
def test_more_steps_never_select_less(key: str, steps: int) -> None:
    assert set(select(f"{steps}+{key}", ASSETS)) <= set(select(f"{steps + 1}+{key}", ASSETS))
    assert set(select(f"{key}+{steps}", ASSETS)) <= set(select(f"{key}+", ASSETS))


@given(st.sampled_from(KEYS), st.sampled_from(KEYS))
def test_what_is_upstream_of_one_has_it_downstream(key: str, other: str) -> None:
    assert (other in select(f"+{key}", ASSETS)) == (key in select(f"{other}+", ASSETS))
