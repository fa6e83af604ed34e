"""Times and durations as people read and write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from toque.cli.times import between, instant_us, moment, span
from toque.errors import UserError


@pytest.mark.parametrize(
    ("duration_us", "words"),
    [
        (-5, "0 ms"),
        (0, "0 ms"),
        (1_499, "1 ms"),
        (340_000, "340 ms"),
        (999_499, "999 ms"),
        (999_500, "1.0 s"),
        (1_000_000, "1.0 s"),
        (59_949_999, "59.9 s"),
        (59_950_000, "1 m 00 s"),
        (185_000_000, "3 m 05 s"),
        (3_599_499_999, "59 m 59 s"),
        (3_599_500_000, "1 h 00 m"),
        (7_800_000_000, "2 h 10 m"),
        (360_000_000_000, "100 h 00 m"),
    ],
)
def test_a_span_is_short_and_never_rounds_into_the_next_unit(duration_us: int, words: str) -> None:
    assert span(duration_us) == words


@pytest.mark.parametrize(("start_us", "end_us", "words"), [(0, 5, ""), (5, 0, ""), (0, 0, ""), (5, 1_000_005, "1.0 s")])
def test_a_span_with_an_end_missing_is_nothing(start_us: int, end_us: int, words: str) -> None:
    assert between(start_us, end_us) == words


def test_never_is_no_moment() -> None:
    assert moment(0) == ""
    assert len(moment(1)) == len("1970-01-01 00:00:00")


@pytest.mark.parametrize(
    ("text", "tz", "utc"),
    [
        ("2026-03-28", "UTC", "2026-03-28T00:00:00+00:00"),
        ("2026-03-28", "Europe/Madrid", "2026-03-27T23:00:00+00:00"),
        ("2026-07-28T12:00", "Europe/Madrid", "2026-07-28T10:00:00+00:00"),
        ("2026-03-28T12:00Z", "Europe/Madrid", "2026-03-28T12:00:00+00:00"),
        ("2026-03-28T12:00+05:30", "UTC", "2026-03-28T06:30:00+00:00"),
        ("2026-03-28T12:00:00.000001", "UTC", "2026-03-28T12:00:00.000001+00:00"),
    ],
)
def test_a_time_without_a_zone_is_in_that_of_the_schedule(text: str, tz: str, utc: str) -> None:
    assert instant_us(text, tz, "--from") == round(datetime.fromisoformat(utc).astimezone(UTC).timestamp() * 1e6)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-02-30", "28.03.2026", "12:00"])
def test_what_is_no_time_names_the_option(text: str) -> None:
    with pytest.raises(UserError, match=r"--from .* is not a time") as caught:
        instant_us(text, "UTC", "--from")
    assert "2026-03-28T12:00Z" in caught.value.fix
