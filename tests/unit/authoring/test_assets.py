"""Assets as they are written: what they are made from, how they are cut, and the graphs that follow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.unit.authoring.conftest import Refused, Write
from toque.authoring import loader
from toque.authoring.loader import Runnable
from toque.errors import UserError
from toque.graph.assets import Asset
from toque.graph.ir import Pipeline, TaskNode
from toque.graph.partitions import AllKeys, Matching, StaticKeys, TimeWindows, TrailingWindows

Load = Callable[[str], list[Runnable]]

SALES = dedent(
    """
    from toque import AllPartitions, Daily, Monthly, Static, Trailing, asset, external, pipeline, select, task, use

    contacts = external("crm.contact", owner="sales")

    @asset(group="raw", tags=["daily"])
    def orders() -> list:
        '''All orders.'''
        return [3, 4]

    @asset(key="marts.revenue", group="marts")
    def revenue(orders: list, factor: int = 2) -> int:
        return sum(orders) * factor

    @asset
    def report(revenue: int, people: list = use(contacts)) -> str:
        return f"{revenue} from {people}"

    @task
    def show(total: int) -> str:
        return f"made {total}"
    """
)


@pytest.fixture
def graph(load: Load) -> Callable[[str], Pipeline]:
    """The graph of the last pipeline of a file that begins with `SALES`."""
    return lambda source: load(SALES + dedent(source))[-1].ir


def node(pipeline: Pipeline, name: str) -> TaskNode:
    found = next(each for each in pipeline.nodes if each.id == name)
    assert isinstance(found, TaskNode)
    return found


def asset_of(pipeline: Pipeline, key: str) -> Asset:
    return next(each for each in pipeline.assets if each.key == key)


def sources(found: TaskNode) -> list[tuple[str, str]]:
    return [(edge.source, edge.kind) for edge in found.upstream]


def test_a_parameter_names_the_asset_that_it_is_read_from(graph: Callable[[str], Pipeline]) -> None:
    found = graph('nightly = pipeline("nightly", assets=[revenue, orders])')
    assert [each.id for each in found.nodes] == ["orders", "revenue"]
    assert node(found, "orders").writes == ("orders",)
    revenue = node(found, "revenue")
    assert (revenue.reads, revenue.writes) == (("orders",), ("marts.revenue",))
    assert sources(revenue) == [("orders", "order")]
    inject = revenue.inject["orders"]
    assert (inject.kind, inject.name, inject.code and inject.code.qualname) == ("asset", "orders", "orders")
    assert revenue.kwargs == {}


def test_the_graph_says_what_its_assets_are(graph: Callable[[str], Pipeline]) -> None:
    found = graph('nightly = pipeline("nightly", assets=[orders, revenue, report])')
    orders, contacts = asset_of(found, "orders"), asset_of(found, "crm.contact")
    assert (orders.node, orders.group, orders.tags, orders.doc) == ("orders", "raw", ("daily",), "All orders.")
    assert len(orders.code_version) == 16
    assert (contacts.node, contacts.owner, contacts.code_version) == ("", "sales", "")
    assert [each.asset for each in asset_of(found, "report").upstream] == ["marts.revenue", "crm.contact"]


def test_where_a_node_stands_is_where_its_asset_is_defined(graph: Callable[[str], Pipeline]) -> None:
    found = graph('nightly = pipeline("nightly", assets=[orders])')
    origin = node(found, "orders").origin
    assert origin is not None
    assert origin.file == "flows.py"
    assert 0 < origin.line < (found.origin.line if found.origin else 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("orders", ["orders"]), ("orders+1", ["orders", "revenue"]), ("group:marts, report", ["revenue", "report"])],
)
def test_a_selection_is_a_pipeline(graph: Callable[[str], Pipeline], text: str, expected: list[str]) -> None:
    assert [each.id for each in graph(f'p = pipeline("p", assets=select("{text}"))').nodes] == expected


def test_in_a_body_assets_stand_beside_tasks(graph: Callable[[str], Pipeline]) -> None:
    found = graph(
        """
    @pipeline
    def mixed():
        orders()
        show(revenue())
        """
    )
    assert sources(node(found, "revenue")) == [("orders", "order")]
    show = node(found, "show")
    assert sources(show) == [("revenue", "order")]
    assert (show.reads, show.writes, show.kwargs) == (("marts.revenue",), (), {})
    assert show.inject["total"].name == "marts.revenue"


def test_a_plain_task_reads_an_asset_too(graph: Callable[[str], Pipeline]) -> None:
    found = graph(
        """
    @task
    def look(rows: list = use(orders)) -> int:
        return len(rows)

    @pipeline
    def looked():
        look()
        """
    )
    assert node(found, "look").reads == ("orders",)
    assert [each.key for each in found.assets] == ["orders"]
    assert asset_of(found, "orders").node == ""


def test_outside_of_a_pipeline_an_asset_is_its_function(write: Write, project: Path) -> None:
    path = write(SALES)
    loader.load_file(path, project)
    orders, revenue, report = loader.producers_in(path, project)
    assert orders() == [3, 4]
    assert revenue([1], factor=3) == 3
    assert report(6, people=["ana"]) == "6 from ['ana']"
    with pytest.raises(UserError, match="nothing supplies orders"):
        revenue()


def test_how_they_are_cut_and_mapped(graph: Callable[[str], Pipeline]) -> None:
    found = graph(
        """
    @asset(partitions=Daily("2026-01-01", tz="Europe/Madrid"))
    def visits() -> int:
        return 1

    @asset(partitions=Monthly("2026-01"))
    def monthly(visits: int) -> int:
        return visits

    @asset(partitions=Daily("2026-01-01"))
    def smooth(visits: int = use(visits, Trailing(7))) -> int:
        return visits

    @asset
    def whole(visits: int = use(visits, AllPartitions())) -> int:
        return visits

    p = pipeline("p", assets=[visits, monthly, smooth, whole])
        """
    )
    days = TimeWindows(every="day", start="2026-01-01", tz="Europe/Madrid")
    assert asset_of(found, "visits").partitions == days
    mappings = {
        name: (wanted.mapping, wanted.ours, wanted.theirs)
        for name in ("monthly", "smooth", "whole")
        if (wanted := node(found, name).inject["visits"].asset) is not None
    }
    assert mappings == {
        "monthly": (Matching(), TimeWindows(every="month", start="2026-01"), days),
        "smooth": (TrailingWindows(count=7), TimeWindows(every="day", start="2026-01-01"), days),
        "whole": (AllKeys(), None, days),
    }


def test_two_dimensions(graph: Callable[[str], Pipeline]) -> None:
    found = graph(
        """
    from toque import Grid

    @asset(partitions=Grid(day=Daily("2026-01-01"), region=Static(["eu", "us"])))
    def sales() -> int:
        return 1

    p = pipeline("p", assets=[sales])
        """
    )
    cut: Any = asset_of(found, "sales").partitions
    assert (cut.names, cut.columns) == (("day", "region"), StaticKeys(keys=("eu", "us")))


REFUSED = {
    "a parameter that is no asset": (
        "@asset\ndef a(nothing: int) -> int: ...\np = pipeline('p', assets=[a])",
        "no asset is called nothing in flows",
    ),
    "a key with a slash": ("@asset(key='a/b')\ndef a(): ...", "cannot be the key"),
    "an option that there is not": ("@asset(partition=1)\ndef a(): ...", "partitions=…"),
    "partitions that cut nothing": ("@asset(partitions='daily')\ndef a(): ...", "does not cut anything"),
    "no day": ("@asset(partitions=Daily('2026-01'))\ndef a(): ...", "is not a day"),
    "one text as keys": ("@asset(partitions=Static('eu'))\ndef a(): ...", "no list of texts"),
    "an io that keeps nothing": ("@asset(io=3)\ndef a(): ...", "no IO manager"),
    "a task among assets": ("p = pipeline('p', assets=[show])", "is no asset"),
    "an external one to be made": ("p = pipeline('p', assets=[contacts])", "made by something else"),
    "no assets at all": ("p = pipeline('p', assets=[])", "assets is empty"),
    "a selection of nothing": ("p = pipeline('p', assets=select('nobody'))", "No asset is selected"),
    "one key twice": (
        "@asset(key='orders')\ndef again(): ...\np = pipeline('p', assets=[orders, again])",
        "Two assets have the key orders",
    ),
    "a cycle": (
        "@asset\ndef a(b: int) -> int: ...\n@asset\ndef b(a: int) -> int: ...\np = pipeline('p', assets=[a, b])",
        "A cycle of assets",
    ),
    "an asset that is made too late": (
        "@pipeline\ndef p():\n    revenue()\n    orders()",
        "revenue reads orders, which is made only here",
    ),
    "an asset in a list": ("@pipeline\ndef p():\n    show([orders()])", "a task reads it as a whole argument"),
    "a part of an asset": ("@pipeline\ndef p():\n    show(orders()[0])", "a task reads it as a whole argument"),
    "an asset made twice": (
        "@pipeline\ndef p():\n    orders()\n    orders.options(name='again')()",
        "orders is made by orders already",
    ),
    "partitions that have nothing in common": (
        "@asset(partitions=Static(['x']))\ndef a() -> int: ...\n"
        "@asset(partitions=Static(['y']))\ndef b(a: int) -> int: ...\np = pipeline('p', assets=[a, b])",
        "nothing in common",
    ),
    "trailing windows of no window": (
        "@asset\ndef b(orders: list = use(orders, Trailing(3))) -> int: ...\np = pipeline('p', assets=[b])",
        "windows of time on both sides",
    ),
    "a body and assets": ("@pipeline(assets=[orders])\ndef p(): ...", "A pipeline without a body has a name"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_with_its_line(case: str, refused: Refused) -> None:
    source, expected = REFUSED[case]
    text = refused(SALES + "\n" + source)
    assert expected in text
    assert text.startswith("flows.py:")
