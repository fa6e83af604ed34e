"""What a look at external data tells: its version, its rows, of when it is."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from toque.engine.assets import Observed
from toque.errors import UserError
from toque.worker import observing

US = 1_795_046_400_000_000
"""2026-11-19."""


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Observed]:
    heard: list[Observed] = []

    class Here:
        tell = staticmethod(heard.append)

    monkeypatch.setattr(observing, "context", Here)
    return heard


@pytest.mark.parametrize(
    ("seen", "version", "rows", "updated_us"),
    [
        ({"version": 7, "rows": 3}, "7", 3, 0),
        ({"rows": 3}, "0/3", 3, 0),
        ({"updated_at": datetime(2026, 11, 19)}, f"{US}/", None, US),  # noqa: DTZ001
        ({"updated_at": date(2026, 11, 19), "rows": 0}, f"{US}/0", 0, US),
        ({"updated_at": "2026-11-19T01:00:00+01:00"}, f"{US}/", None, US),
        ({"version": "a", "updated_at": None, "rows": 2.0}, "a", 2, 0),
    ],
)
def test_what_is_seen_is_told(
    told: list[Observed], seen: dict[str, Any], version: str, rows: int | None, updated_us: int
) -> None:
    observing.saw("crm.Contact", seen)
    assert told == [Observed(asset="crm.Contact", data_version=version, rows=rows, updated_us=updated_us)]


def test_what_else_was_seen_is_kept_beside_it(told: list[Observed]) -> None:
    observing.saw("crm.Contact", {"rows": 1, "by": "ann", "on": date(2026, 1, 1)})
    assert told[0].metadata == {"by": "ann", "on": "2026-01-01"}


@pytest.mark.parametrize(
    ("seen", "message"),
    [
        ({}, "says nothing: it is empty"),
        ({"count": 3}, "says nothing: count"),
        (3, "gave int"),
        ({"rows": -1}, "rows is -1"),
        ({"rows": True}, "rows is True"),
        ({"updated_at": "yesterday"}, "updated_at is 'yesterday'"),
        ({"updated_at": 5}, "updated_at is 5"),
    ],
)
def test_what_says_nothing_is_an_error(told: list[Observed], seen: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        observing.saw("crm.Contact", seen)
    assert told == []
