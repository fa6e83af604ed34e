"""Pictures of graphs."""

from __future__ import annotations

from tests.unit.authoring import examples as e
from toque.authoring.branches import one_of, when
from toque.authoring.holes import each
from toque.authoring.pipelines import pipeline
from toque.authoring.setups import setup
from toque.graph.render import mermaid, tree


@pipeline(on_failure=e.report)
def picture(year: int = 2013) -> None:
    table = e.extract("a")
    parts = e.add.map(year, each(range(3)))
    chained = e.double.map(each(parts))
    number = e.total(chained)
    with when(e.is_big(number)) as big:
        a = e.drop(number)
    with big.otherwise():
        b = e.sync_flow(number)
    one_of(a, b)
    e.doubled.after(table)(2)
    e.decided.map(each([1]))
    with setup(e.numbers(3), teardown=e.drop.options(name="cleanup")):
        e.pair(1)


def test_the_tree() -> None:
    assert (
        "\n".join(tree(picture.ir))
        == """\
picture
├─ extract
├─ add [range(0, 3, 1)]
├─ double [add]  ← add
├─ total  ← double
├─ is_big  ← total
├─ drop if is_big  ← total
├─ sync_flow (flow) if not is_big  ← total
├─ one of drop, sync_flow
├─ doubled/
│  ├─ numbers  ← extract
│  └─ double [numbers]  ← numbers
├─ decided [[1]]
│  ├─ double
│  ├─ is_big  ← double
│  └─ drop if decided.is_big  ← double
├─ numbers
├─ pair  ← numbers
├─ cleanup (tears down numbers)
└─ report (on_failure)"""
    )


def test_groups_can_be_folded() -> None:
    folded = "\n".join(tree(picture.ir, fold=True))
    assert "├─ doubled/ … 2 tasks\n├─ decided [[1]] … 3 tasks\n" in folded
    assert "is_big  ← double" not in folded


def test_groups_nest() -> None:
    @pipeline
    def outer() -> None:
        e.inner(2)

    assert (
        "\n".join(tree(outer.ir))
        == """\
outer
└─ inner/
   ├─ doubled/
   │  ├─ numbers
   │  └─ double [numbers]  ← numbers
   └─ total  ← doubled.double"""
    )


def test_mermaid_draws_a_mapped_task_as_one_box_and_a_mapped_group_as_a_subgraph() -> None:
    drawn = mermaid(picture.ir)
    lines = [line.strip() for line in drawn.splitlines()]
    assert lines[0] == "flowchart TD"
    assert '  n1[["each add"]]' in drawn
    assert "n1 ==>|index by index| n2" in lines
    assert "n4 -.->|is_big| n5" in lines
    assert "n4 -.->|not is_big| n6" in lines
    assert 'n7(("one of"))' in lines
    start = lines.index('subgraph sn10["each of decided"]')
    assert lines[start + 1 : start + 6] == [
        'n11["decided.double"]',
        'n12{"decided.is_big"}',
        'n13["decided.drop"]',
        "end",
        "n10 --- sn10",
    ]


def test_mermaid_names_every_node_once_and_draws_edges_between_known_ones() -> None:
    import re

    drawn = mermaid(picture.ir)
    named = re.findall(r"^  (n\d+)[\[({]", drawn, re.MULTILINE)
    assert len(named) == len(set(named))
    for source, target in re.findall(r"^  (n\d+) [-=.]+>?(?:\|[^|]*\|)? (n\d+)$", drawn, re.MULTILINE):
        assert {source, target} <= set(named)


def test_quotes_do_not_end_a_label() -> None:
    from toque.graph.render import _escaped

    assert _escaped('a "b" | c') == "a #quot;b#quot; #124; c"
