"""One function that makes several assets, and several assets of one name."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.integration.nodes.conftest import Project
from toque.engine.assets import Checked, Materialized
from toque.errors import UserError

SHOP = dedent(
    """
    from toque import Static, Upsert, Warehouse, asset, assets, external, pipeline, sync, use

    days = external("days")

    @assets("raw.orders", "raw.lines", group="raw")
    def shop():
        return {returned}

    lines = shop["raw.lines"]

    @asset
    def count(lines: list) -> int:
        return len(lines)

    whole = pipeline("whole", assets=[count, shop])
    """
)


@pytest.mark.parametrize("returned", ["[1, 2], [3]", "{'raw.lines': [3], 'raw.orders': [1, 2]}"])
def test_each_of_several_assets_is_kept_and_read_by_its_key(project: Project, returned: str) -> None:
    pipeline = project.load(SHOP.replace("{returned}", returned))
    ran = project.run(pipeline)
    told = [(event.asset, event.rows) for event in ran.told("shop") if isinstance(event, Materialized)]
    assert told == [("raw.orders", 2), ("raw.lines", 1)]
    assert ran.result("shop")["assets"] == ["raw.orders", "raw.lines"]
    assert {node.id: [edge.source for edge in node.upstream] for node in pipeline.nodes} == {
        "shop": [],
        "count": ["shop"],
    }
    assert {asset.key: (asset.node, asset.group) for asset in pipeline.assets} == {
        "raw.orders": ("shop", "raw"),
        "raw.lines": ("shop", "raw"),
        "count": ("count", ""),
    }
    again = project.run(pipeline)
    assert again.made("count").data_version == ran.made("count").data_version


def test_a_function_that_returns_too_little_keeps_nothing(project: Project) -> None:
    ran = project.run(project.load(SHOP.replace("{returned}", "[1]")))
    assert "shop makes 2 assets, and returned list" in ran.error("shop").message
    assert ran.told("shop") == ()


CHECKED = """
from toque import assets, not_null, pipeline, row_count

CHECKS = {"raw.orders": [not_null("id").quarantine()], "raw.lines": [row_count(min=1)]}

@assets("raw.orders", "raw.lines", checks=CHECKS)
def shop() -> tuple[list, list]:
    return [{"id": 1}, {"id": None}], LINES

whole = pipeline("whole", assets=[shop])
"""


def test_a_check_of_one_of_them_that_blocks_keeps_none(project: Project) -> None:
    ran = project.run(project.load(CHECKED.replace("LINES", "[]")))
    assert ran.error("shop").message.splitlines()[1] == "  blocks: row_count: 0 rows instead of at least 1"
    checked = [event for event in ran.told("shop") if isinstance(event, Checked)]
    assert ran.told("shop") == tuple(checked), "what set rows aside was told of, and nothing was kept"
    assert [(event.asset, event.check, event.passed) for event in checked] == [
        ("raw.orders", "not_null(id)", False),
        ("raw.lines", "row_count", False),
    ]


def test_each_of_them_is_kept_without_the_rows_that_its_own_checks_set_aside(project: Project) -> None:
    ran = project.run(project.load(CHECKED.replace("LINES", "[{'id': None}]")))
    made = {event.asset: event for event in ran.told("shop") if isinstance(event, Materialized)}
    assert {key: event.rows for key, event in made.items()} == {"raw.orders": 1, "raw.lines": 1}
    assert made["raw.orders"].metadata["set_aside"] == 1


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("@assets('raw.orders')\ndef one(): ...", "@assets\\(\\) is of several assets"),
        ("@assets('a', 'b', checks=[])\ndef two(): ...", "checks= of 2 assets is by key"),
        ("@assets('a', 'b', checks={'c': []})\ndef two(): ...", "checks= is of 'c', which is not made here"),
        ("@assets('a', 'b', checks={'a': [1]})\ndef two(): ...", "1 is no check"),
        ("@assets('a', 'b', key='c')\ndef two(): ...", "key= is about one asset, and these are 2"),
        ("shop['raw.nothing']", "shop makes no raw.nothing"),
        ("@asset\ndef wrong(x: int = use(shop)): ...\np = pipeline('p', assets=[wrong])", "which one is read"),
    ],
)
def test_what_cannot_be_meant_is_refused(project: Project, source: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        project.load(SHOP.replace("{returned}", "1, 2") + source)


def test_two_syncs_into_one_destination_have_keys_of_their_own(project: Project) -> None:
    pipeline = project.load(
        """
        from toque import Files, Upsert, Warehouse, pipeline, sync

        table, out = Warehouse("warehouse").table("marts.people"), Files("out").folder("people")
        names = sync(table, into=out, mode=Upsert("id"), fields={"name": "name"}, key="out.people.names")
        mails = sync(table, into=out, mode=Upsert("id"), fields={"mail": "mail"}, key="out.people.mails")
        whole = pipeline("whole", assets=[names, mails])
        """
    )
    assert {node.id: node.writes for node in pipeline.nodes} == {
        "out_people_names": ("out.people.names",),
        "out_people_mails": ("out.people.mails",),
    }
