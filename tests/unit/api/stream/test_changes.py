"""Changes: each row once, in its newest form, encoded once, within a bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from toque.api.stream.changes import Changes


class Encoder:
    """Counts what it is asked to encode."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, row: str) -> bytes:
        self.calls += 1
        return row.encode()


def test_only_the_newest_form_of_a_row_is_told() -> None:
    changes = Changes(Encoder(), 0)
    changes.put(1, "a", "a1")
    changes.put(2, "b", "b1")
    changes.put(3, "a", "a2")
    assert changes.since(0) == b"b1,a2"
    assert changes.since(2) == b"a2"
    assert changes.since(3) == b""


def test_a_row_is_encoded_once_however_many_ask_from_wherever() -> None:
    encoder = Encoder()
    changes = Changes(encoder, 0)
    for number in range(1, 11):
        changes.put(number, number, f"row{number}")
    for after in (0, 3, 0, 9, 3):
        changes.since(after)
    assert encoder.calls == 10


def test_what_nobody_asks_for_is_never_encoded() -> None:
    encoder = Encoder()
    changes = Changes(encoder, 0)
    for number in range(100):
        changes.put(number + 1, "one", f"row{number}")
    assert encoder.calls == 0
    assert changes.since(50) == b"row99"
    assert encoder.calls == 1


def test_who_is_further_behind_than_it_remembers_is_told_so() -> None:
    changes = Changes(Encoder(), 0, limit=3)
    for number in range(1, 6):
        changes.put(number, number, str(number))
    assert changes.since(1) is None
    assert changes.since(2) == b"3,4,5"


def test_it_knows_nothing_of_what_was_before_it() -> None:
    changes = Changes(Encoder(), 7)
    assert changes.since(6) is None
    assert changes.since(7) == b""


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(1, 20), st.data())
def test_what_is_told_brings_any_client_to_the_newest_state(keys: list[int], limit: int, data: st.DataObject) -> None:
    """A client that has the state as of change `after`, and applies what it is told, has the state as of now; unless it
    is told that it cannot."""
    changes = Changes(Encoder(), 0, limit=limit)
    states: list[dict[int, str]] = [{}]
    for number, key in enumerate(keys, 1):
        changes.put(number, key, f"{key}:{number}")
        states.append({**states[-1], key: f"{key}:{number}"})
    after = data.draw(st.integers(0, len(keys)))
    told = changes.since(after)
    if told is None:
        assert len(set(keys[after:])) > 0
        assert len(set(keys)) > limit
        return
    rows = [row for row in told.decode().split(",") if row]
    assert {**states[after], **{int(row.split(":")[0]): row for row in rows}} == states[-1]
