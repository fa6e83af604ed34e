"""Arguments: expressions become values."""

from __future__ import annotations

from typing import Any

import pytest

from toque.engine.values import Entry, ErrorInfo, Hole, Spilled, Token, Value, Values
from toque.errors import ToqueBug, UserError
from toque.graph import constants
from toque.graph.expr import (
    AnyExpr,
    Const,
    DictOf,
    Gather,
    Item,
    ListOf,
    OutcomeOf,
    Param,
    Ref,
    RunReportOf,
    TupleOf,
)
from toque.graph.ir import CodeRef, TaskNode
from toque.ports.executor import AttemptSpec, ItemSource
from toque.store.blobs import MemoryBlobs
from toque.worker import pages, values
from toque.worker.arguments import Evaluator, list_parameters, positional_names
from toque.worker.outcomes import Failure, Ok, RunReport, Skipped
from toque.worker.values import Place

NODE = TaskNode(id="t", code=CodeRef(module="jobs", qualname="nothing"))
ERROR = ErrorInfo(kind="data", type="DataError", message="two nulls", sample=[{"id": 1}])
FAILED, SKIPPED = Hole("failed", ERROR), Hole("skipped")


@pytest.fixture
def stored(blobs: MemoryBlobs) -> Any:
    counter = iter(range(1000))
    return lambda value, **options: Value(values.encode(value, Place(blobs, lambda: f"v{next(counter)}"), **options))


def evaluate(expr: AnyExpr, blobs: MemoryBlobs, *, as_list: bool = False, **fields: Any) -> Any:
    made = AttemptSpec(run_id="r", task="t", attempt=1, token=Token(1, 1), node=NODE, **fields)
    return Evaluator(made, blobs).value(expr, as_list=as_list)


def test_literals_with_placeholders_inside(blobs: MemoryBlobs, stored: Any) -> None:
    pair = TupleOf((Const(constants.encode((1,))), Ref("a")))
    expr = DictOf(((constants.encode(1), ListOf((pair, Param("year")))),))
    found = evaluate(expr, blobs, sources={"a": stored("A")}, parameters={"year": 2013})
    assert found == {1: [((1,), "A"), 2013]}


def test_projections_reach_into_results(blobs: MemoryBlobs, stored: Any) -> None:
    sources = {"a": stored({"rows": [(1, 2), (3, 4)]})}
    assert evaluate(Ref("a", (("item", "rows"), ("item", 1), ("item", 0))), blobs, sources=sources) == 3
    with pytest.raises(UserError) as caught:
        evaluate(Ref("a", (("item", "rows"), ("item", 5))), blobs, sources=sources)
    assert caught.value.message == "the result of 'a'['rows'] has no [5]: it is a list of 2"
    with pytest.raises(UserError, match=r"has no \.size: it is a dict with the keys 'rows'"):
        evaluate(Ref("a", (("attr", "size"),)), blobs, sources=sources)


def test_a_parameter_that_is_missing_is_named(blobs: MemoryBlobs) -> None:
    with pytest.raises(UserError, match="no parameter 'month'"):
        evaluate(Param("month"), blobs)


def test_the_server_owes_every_source(blobs: MemoryBlobs) -> None:
    for expr in (Ref("a"), Gather("a"), OutcomeOf("a"), Item("a", 0)):
        with pytest.raises(ToqueBug):
            evaluate(expr, blobs)
    with pytest.raises(ToqueBug, match="which has none"):
        evaluate(Ref("a"), blobs, sources={"a": FAILED})


@pytest.mark.parametrize("spilled", [False, True])
def test_gathered_results_in_each_form(blobs: MemoryBlobs, stored: Any, spilled: bool) -> None:
    entries: list[Entry] = [stored(0), FAILED, stored(2), SKIPPED]

    def gathered(holes: Any, of: list[Entry] = entries) -> Any:
        entry = pages.spill(of, blobs, f"spilled-{holes}-{len(of)}") if spilled else Values(list(of))
        return evaluate(Gather("m[]", holes), blobs, sources={"m[]": entry})

    assert list(gathered("ok")) == [0, 2]
    assert list(gathered("failures")) == [Failure("DataError", "two nulls", "data", 1, ({"id": 1},))]
    assert list(gathered("outcome")) == [
        Ok(0),
        Failure("DataError", "two nulls", "data", 1, ({"id": 1},)),
        Ok(2),
        Skipped("", 3),
    ]
    with pytest.raises(ToqueBug, match="index 1 has no value"):
        list(gathered("forbid"))
    whole = gathered("forbid", [stored(n) for n in range(3)])
    assert (whole[-1], whole[0:2], len(whole), whole == [0, 1, 2]) == (2, [0, 1], 3, True)
    with pytest.raises(IndexError):
        whole[3]


def test_a_hole_without_an_error_still_says_what_it_is() -> None:
    assert pages.as_outcome(Hole("upstream_failed"), 2) == Failure("UpstreamFailed", "upstream failed", "code", 2)
    assert pages.as_outcome(Hole("cancelled"), None) == Failure("Cancelled", "cancelled", "cancelled")


def test_spilled_results_are_read_chunk_by_chunk(blobs: MemoryBlobs, stored: Any) -> None:
    spilled = pages.spill((stored(n) for n in range(2_500)), blobs, "many")
    assert spilled == Spilled("many", 2_500)
    whole = evaluate(Gather("m[]"), blobs, sources={"m[]": spilled})
    assert (whole[1_700], sum(whole)) == (1_700, sum(range(2_500)))


def test_nested_maps_are_nested_sequences(blobs: MemoryBlobs, stored: Any) -> None:
    entry = Values([Values([stored(1), stored(2)]), Values([])])
    found = evaluate(Gather("m[]"), blobs, sources={"m[]": entry})
    assert [list(inner) for inner in found] == [[1, 2], []]
    listed = evaluate(Gather("m[]"), blobs, as_list=True, sources={"m[]": entry})
    assert listed == [[1, 2], []]
    assert type(listed) is type(listed[0]) is list


def test_pages_can_be_returned_and_read_as_the_list_that_they_are(blobs: MemoryBlobs, stored: Any) -> None:
    found = evaluate(Gather("m[]"), blobs, sources={"m[]": Values([stored(1), stored(2)])})
    again = stored(found)
    assert values.decode(again.ref, blobs) == [1, 2]
    assert values.length(found) == 2


def test_an_outcome_is_a_value_or_a_typed_hole(blobs: MemoryBlobs, stored: Any) -> None:
    assert evaluate(OutcomeOf("a"), blobs, sources={"a": stored(7)}) == Ok(7)
    assert evaluate(OutcomeOf("a"), blobs, sources={"a": SKIPPED}) == Skipped()
    assert isinstance(evaluate(OutcomeOf("a"), blobs, sources={"a": FAILED}), Failure)


def item(source: ItemSource, blobs: MemoryBlobs, path: Any = (), **fields: Any) -> Any:
    return evaluate(Item("m[]", 0, path), blobs, items={"m[]": (source,)}, **fields)


def test_an_item_of_each_kind_of_axis(blobs: MemoryBlobs, stored: Any) -> None:
    plain, chunked = stored(["a", "b", "c"]), stored([str(n) for n in range(3_000)], mapped=True)
    nested = stored({"files": ["x", "y"]})
    assert item(ItemSource(index=1, entry=plain), blobs) == "b"
    assert item(ItemSource(index=2_999, entry=chunked), blobs) == "2999"
    assert item(ItemSource(index=1, entry=nested, source=Ref("a", (("item", "files"),))), blobs) == "y"
    assert item(ItemSource(index=1, entry=Values([stored(5), stored(6)])), blobs) == 6
    outcomes = ItemSource(index=0, entry=Values([FAILED]), source=Gather("a[]", "outcome"))
    assert isinstance(item(outcomes, blobs), Failure)
    assert item(ItemSource(index=2, source=Param("months")), blobs, parameters={"months": [1, 2, 3]}) == 3
    assert item(ItemSource(index=4, source=Const(9), is_item=True), blobs) == 9
    chained = ItemSource(index=4, source=Ref("a", (("item", 1),)), is_item=True)
    assert item(chained, blobs, sources={"a": stored((1, 2))}) == 2
    assert item(ItemSource(index=0, entry=stored([{"k": 5}])), blobs, (("item", "k"),)) == 5


def test_the_report_of_a_run_is_a_value(blobs: MemoryBlobs) -> None:
    data = {
        "run_id": "r",
        "pipeline": "flights",
        "state": "failed",
        "logical_us": 86_400_000_000,
        "failed": [{"task": "pull", "map_index": [3], "type": "ValueError", "message": "no"}],
        "message": "no",
        "from_a_newer_version": 1,
    }
    report = evaluate(RunReportOf(), blobs, run_report=data, parameters={"year": 2013})
    assert isinstance(report, RunReport)
    assert (report.state, report.failed[0].map_index, report.failed_count) == ("failed", (3,), 1)
    assert report.parameters == {"year": 2013}
    assert report.logical_time
    assert report.logical_time.isoformat() == "1970-01-02T00:00:00+00:00"


def digest(expr: AnyExpr, blobs: MemoryBlobs, **fields: Any) -> str:
    made = AttemptSpec(run_id="r", task="t", attempt=1, token=Token(1, 1), node=NODE, **fields)
    return Evaluator(made, blobs).digest(expr)


def test_digests_follow_the_values_and_not_where_they_lie(blobs: MemoryBlobs, stored: Any) -> None:
    big = "x" * 100_000
    assert digest(Ref("a"), blobs, sources={"a": stored(big)}) == digest(Ref("a"), blobs, sources={"a": stored(big)})
    distinct = [
        digest(Const(1), blobs),
        digest(Const("1"), blobs),
        digest(ListOf((Const(1),)), blobs),
        digest(TupleOf((Const(1),)), blobs),
        digest(DictOf((("a", Const(1)),)), blobs),
        digest(Ref("a"), blobs, sources={"a": stored(1)}),
        digest(Ref("a", (("item", 0),)), blobs, sources={"a": stored(1)}),
        digest(Gather("a"), blobs, sources={"a": Values([stored(1)])}),
        digest(Gather("a"), blobs, sources={"a": Values([stored(1), FAILED])}),
        digest(Gather("a", "ok"), blobs, sources={"a": Values([stored(1)])}),
        digest(OutcomeOf("a"), blobs, sources={"a": SKIPPED}),
    ]
    assert len(set(distinct)) == len(distinct)


def test_gathered_results_have_the_same_digest_spilled_or_not(blobs: MemoryBlobs, stored: Any) -> None:
    entries: list[Entry] = [stored(n) for n in range(3)]
    plain = digest(Gather("m"), blobs, sources={"m": Values(entries)})
    for run in ("r1", "r2"):
        assert digest(Gather("m"), blobs, sources={"m": pages.spill(entries, blobs, run)}) == plain


def test_an_item_has_the_same_digest_in_a_longer_list(blobs: MemoryBlobs, stored: Any) -> None:
    def of(entries: list[str]) -> str:
        source = ItemSource(index=0, entry=stored(entries))
        return digest(Item("m[]", 0), blobs, items={"m[]": (source,)})

    assert of(["a"]) == of(["a", "b"]) != of(["c"])


def test_annotations_say_who_wants_a_list() -> None:
    def function(a: list[int], b: list[str], c: Any, d: list, *, e: tuple[int, ...]) -> None: ...  # type: ignore[type-arg]

    assert list_parameters(function) == {"a", "b", "d"}
    assert positional_names(function) == ("a", "b", "c", "d")
    assert list_parameters(print) == frozenset()
