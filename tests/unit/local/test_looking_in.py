"""Values that are looked into from outside, and workers as the system page shows them."""

from __future__ import annotations

import pickle
from decimal import Decimal
from typing import Any

import pytest

from toque.api.plain import EXACT, shown
from toque.local.closed_pickles import MAX_BYTES, MOST_ITEMS, Closed, opened_bytes, opened_item, opened_value
from toque.local.machine import LocalMachine
from toque.ports.executor import WorkerSeen
from toque.store.blobs import MemoryBlobs
from toque.worker import values
from toque.worker.values import Place


def ref(value: Any, blobs: MemoryBlobs) -> Any:
    return values.encode(value, Place(blobs, lambda: "v"))


def endless() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, 0),
        (EXACT, EXACT),
        (-EXACT, -EXACT),
        (EXACT + 1, str(EXACT + 1)),
        (-(2**80), str(-(2**80))),
        (10**400, str(10**400)),
        (1 << 100_000, "a whole number of 100,001 bits"),
        (-(1 << 20_000), "a whole number of 20,001 bits"),
    ],
    ids=lambda each: str(each.bit_length()) if isinstance(each, int) else "",
)
def test_whole_numbers_of_any_size_can_be_shown(number: int, words: int | str) -> None:
    assert shown(number) == words


@pytest.mark.parametrize(
    ("item", "plain"),
    [
        ({1, 2}, [1, 2]),
        ((1, (2, None)), [1, [2, None]]),
        ({1: {"a": b"xyz"}}, {"1": {"a": "3 bytes"}}),
        (Decimal("1.10"), "1.10"),
        (float("nan"), "nan"),
        ({"k": frozenset("b")}, {"k": ["b"]}),
        (1 << 100_000, "a whole number of 100,001 bits"),
    ],
    ids=["set", "tuple", "keys", "decimal", "nan", "frozenset", "huge"],
)
def test_an_item_is_shown_as_plain_json(item: Any, plain: Any) -> None:
    assert opened_item(pickle.dumps(item)) == plain


def test_an_item_that_holds_itself_stays_closed() -> None:
    assert opened_item(pickle.dumps(endless())) is Closed


def test_a_value_that_holds_itself_stays_closed() -> None:
    blobs = MemoryBlobs()
    assert opened_value(ref(endless(), blobs), blobs) is Closed


def test_bytes_are_handed_out_and_nothing_else() -> None:
    blobs = MemoryBlobs()
    picture = ref(b"png" * 100_000, blobs)
    assert picture.codec == "pickle"
    assert opened_bytes(picture, blobs) == b"png" * 100_000
    assert opened_bytes(ref({1, 2}, blobs), blobs) is None


def test_what_is_too_large_is_not_opened() -> None:
    blobs = MemoryBlobs()
    large = ref({b"x" * (MAX_BYTES + 1)}, blobs)
    assert opened_value(large, blobs) is Closed
    assert opened_bytes(large, blobs) is None


class Crowd:
    """An executor with processes."""

    name = "process"

    def __init__(self, *seen: WorkerSeen, room: int = 0) -> None:
        self._seen = list(seen)
        self._room = room

    def workers(self) -> list[WorkerSeen]:
        return self._seen

    def free(self) -> int:
        return self._room


class Lonely:
    """One without."""

    name = "inline"

    def free(self) -> int:
        return 3


def worker(name: str, *attempts: Any) -> WorkerSeen:
    return WorkerSeen(name=name, state="busy", lane="sync", bundle="b", environment="ml", attempts=list(attempts))


def test_workers_of_all_executors_are_listed_with_what_they_hold() -> None:
    crowd: Any = Crowd(worker("h:1", ("r1", "load", (3, 1), 7)), worker("h:2"))
    machine = LocalMachine({"process": crowd, "inline": Lonely(), "flow": Crowd(worker("h:3"))})  # type: ignore[dict-item]
    found = machine.workers()
    assert [(each.executor, each.worker) for each in found] == [("process", "h:1"), ("process", "h:2"), ("flow", "h:3")]
    [user] = found[0].attempts
    assert (user.run_id, user.task, user.index, user.since_us) == ("r1", "load", [3, 1], 7)
    assert (found[0].bundle, found[0].environment, found[0].state) == ("b", "ml", "busy")


def test_room_is_that_of_the_executor_or_none() -> None:
    crowd: Any = Crowd(room=5)
    machine = LocalMachine({"process": crowd, "inline": Lonely()})  # type: ignore[dict-item]
    assert [machine.free(name) for name in ("process", "inline", "gpu")] == [5, 3, 0]


class Reduced:
    """Becomes what its pickle says."""

    def __init__(self, *call: Any) -> None:
        self._call = call

    def __reduce__(self) -> Any:
        return self._call


@pytest.mark.parametrize(
    "call", [(set, (range(10**12),)), (frozenset, (range(10**12),)), (bytearray, (10**13,)), (bytearray, (range(9),))]
)
def test_a_few_bytes_that_would_become_a_large_value_stay_closed(call: Any) -> None:
    assert opened_item(pickle.dumps(Reduced(*call))) is Closed


@pytest.mark.parametrize("protocol", range(3, pickle.HIGHEST_PROTOCOL + 1))
def test_sets_and_bytes_are_shown_as_they_are_whatever_the_protocol(protocol: int) -> None:
    value = [{3, 1, 2}, frozenset({"a"}), bytearray(b"abc"), range(5), {(1, 2): 3}]
    assert opened_item(pickle.dumps(value, protocol)) == [[1, 2, 3], ["a"], "3 bytes", "range(0, 5)", {"(1, 2)": 3}]


def test_a_value_that_holds_itself_many_times_over_stays_closed() -> None:
    item: Any = [0]
    for _ in range(MOST_ITEMS.bit_length()):
        item = [item, item]
    assert opened_item(pickle.dumps(item)) is Closed
