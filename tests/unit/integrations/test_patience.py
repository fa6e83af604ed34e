"""What is worth asking again is asked again, after the pause that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from toque.errors import TransientError
from toque.integrations.patience import Patience, Unanswered, retry_after


def failing(*errors: Exception) -> Callable[[], str]:
    left = list(errors)

    def ask() -> str:
        if left:
            raise left.pop(0)
        return "answer"

    return ask


def test_pauses_double_up_to_a_limit_and_a_told_one_counts() -> None:
    naps: list[float] = []
    told = TransientError("busy", retry_after_s=9)
    errors = [TransientError("busy"), TransientError("busy"), told, TransientError("busy")]
    assert Patience(cap_s=3, sleep=naps.append).ask(failing(*errors)) == "answer"
    assert naps == [1, 2, 9, 3]


def test_patience_ends() -> None:
    with pytest.raises(TransientError):
        Patience(tries=2, sleep=lambda _: None).ask(failing(*[TransientError("busy")] * 2))


def test_what_may_do_harm_twice_is_asked_once() -> None:
    with pytest.raises(Unanswered):
        Patience(sleep=lambda _: None).ask(failing(Unanswered("cut")), is_repeatable=False)
    assert Patience(sleep=lambda _: None).ask(failing(TransientError("busy")), is_repeatable=False) == "answer"


def test_other_errors_pass_at_once() -> None:
    with pytest.raises(ValueError, match="ours"):
        Patience().ask(failing(ValueError("ours")))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("3", 3),
        ("0.5", 0.5),
        ("-1", 0),
        ("Mon, 02 Nov 2026 09:00:30 GMT", 30),
        ("Mon, 02 Nov 2026 08:00:00 GMT", 0),
        ("soon", None),
    ],
)
def test_both_forms_of_the_header_are_read(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, now=datetime(2026, 11, 2, 9, tzinfo=UTC)) == seconds
