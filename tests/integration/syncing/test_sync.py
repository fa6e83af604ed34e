"""A sync sends what changed, once; what failed is sent again; what is unusual stops it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.integration.syncing.conftest import Shelf, Warehouse, scores
from toque.data.syncs.diff import DuplicateKeys
from toque.errors import TransientError, UserError
from toque.graph.syncs import Create, Guard, Mirror, SyncSpec, Update
from toque.integrations.patience import Patience, Unanswered
from toque.integrations.syncing.run import SyncRejected, SyncResult, SyncStopped, preview
from toque.integrations.syncing.run import sync as run_sync
from toque.ports.destinations import Destination, Operation, Record, Result


def sync(spec: SyncSpec, warehouse: Warehouse, destination: Destination, naps: list[float] | None = None) -> SyncResult:
    patience = Patience(tries=3, sleep=(naps if naps is not None else []).append)
    return run_sync(spec, warehouse, destination, patience=patience)


def test_a_second_sync_sends_nothing(warehouse: Warehouse, shelf: Shelf) -> None:
    warehouse.put(a=1, b=2, c=None)
    first = sync(scores(), warehouse, shelf)
    assert (first.rows, first.sent, first.created, first.run) == (3, 3, 3, 1)
    assert shelf.records == {"a": {"Score": 1}, "b": {"Score": 2}, "c": {"Score": None}}
    second = sync(scores(), warehouse, shelf)
    assert (second.sent, second.unchanged, second.run) == (0, 3, 2)


def test_only_what_changed_in_mapped_columns_is_sent(warehouse: Warehouse, shelf: Shelf) -> None:
    warehouse.put(a=1, b=2)
    sync(scores(), warehouse, shelf)
    shelf.sent.clear()
    warehouse.run("UPDATE marts.scores SET note = 'changed'")
    warehouse.put(b=3)
    result = sync(scores(), warehouse, shelf)
    assert (shelf.sent, result.updated, result.created) == ([("upsert", "b")], 1, 0)


def test_a_rejected_record_is_sent_again_until_it_is_accepted(warehouse: Warehouse, shelf: Shelf) -> None:
    warehouse.put(a=1, b=2, c=3)
    shelf.refused = {"b"}
    result = sync(scores(tolerate=1), warehouse, shelf)
    assert (result.accepted, result.rejected, result.rejects[0].reason) == (2, 1, "not this one")
    sync(scores(tolerate=1), warehouse, shelf)
    shelf.refused = set()
    assert sync(scores(tolerate=1), warehouse, shelf).sent == 1
    assert sync(scores(), warehouse, shelf).sent == 0
    assert [(run, json.loads(key)[0], status) for run, key, _, status, _ in warehouse.log()][2:] == [
        (1, "c", "accepted"),
        (2, "b", "rejected"),
        (3, "b", "accepted"),
    ]


def test_more_rejections_than_tolerated_fail_it_after_all_others_arrived(warehouse: Warehouse, shelf: Shelf) -> None:
    warehouse.put(a=1, b=2, c=3)
    shelf.refused = {"a"}
    with pytest.raises(SyncRejected, match="1 of 3 records did not arrive") as caught:
        sync(scores(tolerate=0.3), warehouse, shelf)
    assert caught.value.sample == [{"status": "rejected", "reason": "not this one", "id": "a", "Score": 1}]
    assert set(shelf.records) == {"b", "c"}
    assert sync(scores(tolerate=0.99), warehouse, shelf).sent == 1 if not shelf.refused.clear() else False


def test_a_mirror_deletes_and_leaves_others_records_alone(warehouse: Warehouse, shelf: Shelf) -> None:
    shelf.records["theirs"] = {"Score": 9}
    warehouse.put(a=1, b=2)
    spec = scores(Mirror(key="id"))
    sync(spec, warehouse, shelf)
    warehouse.remove("a")
    assert sync(spec, warehouse, shelf).deleted == 1
    assert set(shelf.records) == {"theirs", "b"}
    assert sync(spec, warehouse, shelf).sent == 0


def test_a_record_of_a_row_that_is_gone_can_be_emptied(warehouse: Warehouse, shelf: Shelf) -> None:
    warehouse.put(a=1, b=2)
    spec = scores(on_delete="clear")
    sync(spec, warehouse, shelf)
    warehouse.remove("a")
    sync(spec, warehouse, shelf)
    assert shelf.records["a"] == {"Score": None}
    assert sync(spec, warehouse, shelf).sent == 0
    warehouse.put(a=1)
    assert sync(spec, warehouse, shelf).sent == 1


def test_update_rejects_what_is_not_there(warehouse: Warehouse, shelf: Shelf) -> None:
    shelf.records["a"] = {"Name": "Ada"}
    warehouse.put(a=1, b=2)
    result = sync(scores(Update(key="id"), tolerate=1), warehouse, shelf)
    assert (result.accepted, result.rejected) == (1, 1)
    assert shelf.records == {"a": {"Name": "Ada", "Score": 1}}


def test_create_never_touches_what_it_made(warehouse: Warehouse, shelf: Shelf) -> None:
    warehouse.put(a=1)
    sync(scores(Create(key="id")), warehouse, shelf)
    warehouse.put(a=2, b=1)
    assert sync(scores(Create(key="id")), warehouse, shelf).sent == 1
    assert shelf.records["a"] == {"Score": 1}


def test_a_key_that_stands_twice_stops_it_before_anything_is_sent(warehouse: Warehouse, shelf: Shelf) -> None:
    warehouse.put(a=1)
    warehouse.run("INSERT INTO marts.scores VALUES ('a', 2, '')")
    with pytest.raises(DuplicateKeys, match="id='a' in 2"):
        sync(scores(), warehouse, shelf)
    assert shelf.sent == []


def test_a_row_without_a_key_is_invalid_and_in_the_log(warehouse: Warehouse, shelf: Shelf) -> None:
    warehouse.put(a=1)
    warehouse.run("INSERT INTO marts.scores VALUES (NULL, 2, '')")
    result = sync(scores(tolerate=1), warehouse, shelf)
    assert (result.accepted, result.invalid, result.rejects[0].reason) == (1, 1, "the key id is empty")
    assert warehouse.log()[0][3:] == ("invalid", "the key id is empty")


def test_an_emptied_source_stops_a_mirror(warehouse: Warehouse, shelf: Shelf) -> None:
    warehouse.put(**{f"k{number}": 1 for number in range(12)})
    spec = scores(Mirror(key="id"))
    sync(spec, warehouse, shelf)
    warehouse.run("DELETE FROM marts.scores")
    with pytest.raises(SyncStopped, match=r"12 of 12 records would be deleted"):
        sync(spec, warehouse, shelf)
    assert len(shelf.records) == 12
    assert sync(scores(Mirror(key="id"), guard=Guard(deletes=1.0 + 11)), warehouse, shelf).deleted == 12


def test_an_unexpected_full_sync_is_said_but_one_for_another_mapping_is_not(warehouse: Warehouse, shelf: Shelf) -> None:
    warehouse.put(**{f"k{number}": 1 for number in range(20)})
    sync(scores(), warehouse, shelf)
    sync(scores(), warehouse, shelf)
    warehouse.run("UPDATE marts.scores SET score = 2")
    assert [each.kind for each in sync(scores(), warehouse, shelf).deviations] == ["full_sync"]
    remapped = sync(scores(fields={"score": "Score", "note": "Note"}), warehouse, shelf)
    assert (remapped.sent, remapped.deviations) == (20, [])


def test_a_busy_destination_is_waited_for_as_it_asks(warehouse: Warehouse, shelf: Shelf) -> None:
    warehouse.put(a=1)
    naps: list[float] = []
    shelf.plans = [TransientError("busy", retry_after_s=7), TransientError("busy")]
    assert sync(scores(), warehouse, shelf, naps).accepted == 1
    assert naps == [7, 2]


def test_a_destination_that_stays_busy_leaves_nothing_in_doubt(warehouse: Warehouse, shelf: Shelf) -> None:
    warehouse.put(a=1, b=2, c=3)
    sync(scores(), warehouse, shelf)
    warehouse.put(a=2)
    shelf.plans = [TransientError("busy")] * 3
    with pytest.raises(TransientError):
        sync(scores(), warehouse, shelf)
    warehouse.put(a=1)
    assert sync(scores(), warehouse, shelf).sent == 0


def test_an_answer_that_was_lost_is_asked_for_again(warehouse: Warehouse, shelf: Shelf) -> None:
    warehouse.put(a=1, b=2)
    shelf.plans, shelf.lost = [1], Unanswered("cut")
    assert sync(scores(), warehouse, shelf).accepted == 2
    assert shelf.sent == [("upsert", "a"), ("upsert", "a"), ("upsert", "b")]


def test_after_a_crash_only_what_is_in_doubt_is_sent_again(warehouse: Warehouse, shelf: Shelf) -> None:
    warehouse.put(a=1, b=2, c=3, d=4, e=5)
    shelf.plans = [None, 1]  # type: ignore[list-item]
    with pytest.raises(RuntimeError):
        sync(scores(), warehouse, shelf)
    assert shelf.sent == [("upsert", "a"), ("upsert", "b"), ("upsert", "c")]
    shelf.sent.clear()
    sync(scores(), warehouse, shelf)
    assert shelf.sent == [("upsert", "c"), ("upsert", "d"), ("upsert", "e")]


def test_a_doubtful_record_is_sent_even_if_its_row_went_back(warehouse: Warehouse, shelf: Shelf) -> None:
    warehouse.put(a=1)
    sync(scores(), warehouse, shelf)
    warehouse.put(a=2)
    shelf.plans = [1]
    with pytest.raises(RuntimeError):
        sync(scores(), warehouse, shelf)
    warehouse.put(a=1)
    sync(scores(), warehouse, shelf)
    assert shelf.records == {"a": {"Score": 1}}


class Library(Shelf):
    """A shelf that can tell what it has, and would make a record twice."""

    def find(self, keys: Sequence[Mapping[str, Any]]) -> list[str | None]:
        return ["found" if key["id"] in self.records else None for key in keys]


def test_a_doubtful_create_asks_whether_it_happened(warehouse: Warehouse) -> None:
    library = Library()
    warehouse.put(a=1, b=2)
    library.plans, library.lost = [1], Unanswered("cut")
    spec = scores(Create(key="id"))
    with pytest.raises(Unanswered):
        sync(spec, warehouse, library)
    result = sync(spec, warehouse, library)
    assert library.sent == [("create", "a"), ("create", "b")]
    assert result.accepted == 2
    assert "an earlier try" in warehouse.log()[0][4]


def test_a_preview_says_what_would_happen_and_writes_nothing(warehouse: Warehouse) -> None:
    library = Library()
    library.records["a"] = {"Score": 0}
    warehouse.put(a=1, b=2, c=3)
    seen = preview(scores(Mirror(key="id")), warehouse, library)
    assert (seen.rows, seen.operations, seen.creates, seen.invalid) == (3, {"upsert": 3}, 2, 0)
    assert seen.samples == {"upsert": [{"id": key, "Score": score} for key, score in (("a", 1), ("b", 2), ("c", 3))]}
    assert (library.sent, warehouse.run("SHOW ALL TABLES")[0][2]) == ([], "scores")
    sync(scores(Mirror(key="id")), warehouse, library)
    warehouse.remove("a")
    after = preview(scores(Mirror(key="id")), warehouse, library)
    assert (after.operations, after.gone, after.unchanged) == ({"delete": 1}, 1, 2)
    assert preview(scores(), warehouse, Shelf()).creates is None


def test_a_preview_does_not_look_up_masses(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toque.integrations.syncing.run.LOOKED_UP", 1)
    warehouse.put(a=1, b=2)
    assert preview(scores(), warehouse, Library()).creates is None
    warehouse.remove("b")
    assert preview(scores(), warehouse, Library()).creates == 1


def test_a_table_or_column_that_is_not_there_is_named(warehouse: Warehouse, shelf: Shelf) -> None:
    with pytest.raises(UserError, match=r"marts\.scores has none") as caught:
        sync(scores(fields={"scor": "Score"}), warehouse, shelf)
    assert "'score'?" in str(caught.value)
    warehouse.run("DROP TABLE marts.scores")
    with pytest.raises(UserError, match="no such table"):
        sync(scores(), warehouse, shelf)


def test_a_destination_with_too_few_results_is_told_so(warehouse: Warehouse) -> None:
    class Sloppy(Shelf):
        def send(self, operation: Operation, records: Sequence[Record]) -> Sequence[Result]:
            return []

    warehouse.put(a=1)
    with pytest.raises(UserError, match="0 results for 1 records"):
        sync(scores(), warehouse, Sloppy())


def test_the_log_forgets_runs_that_are_long_past(warehouse: Warehouse, shelf: Shelf) -> None:
    for number in range(4):
        warehouse.put(a=number)
        sync(scores(keep_runs=2), warehouse, shelf)
    assert [line[0] for line in warehouse.log()] == [3, 4]
    assert sync(scores(keep_runs=2), warehouse, shelf).sent == 0
