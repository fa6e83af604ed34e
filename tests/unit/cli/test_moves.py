"""`toque sync preview` and `toque checks replay`: what they say of what they were told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from toque.cli import application
from toque.local import errands

PREVIEW = {
    "name": "crm.Contact",
    "destination": "crm.Contact",
    "rows": 1200,
    "unchanged": 1198,
    "operations": {"update": 1},
    "invalid": 1,
    "deviations": [{"kind": "rows", "severity": "warn", "message": "1,200 rows, usually 500"}],
    "samples": {"update": [{"Id": "a", "Email": "***"}]},
    "rejects": [{"status": "invalid", "reason": "too long", "record": {"Id": "b"}}],
}
REPLAYED = {"replayed": 3, "batches": [{"batch_id": "b1", "loaded": 3, "superseded": 1, "still_bad": 2}]}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toque.toml").write_text("")
    monkeypatch.chdir(tmp_path)


def said(capsys: pytest.CaptureFixture[str], *command: str) -> list[str]:
    assert application.call(command) == 0
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_a_preview_says_what_would_be_sent(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[str] = []
    monkeypatch.setattr(errands, "preview_sync", lambda settings, key, **_: asked.append(key) or PREVIEW)
    assert said(capsys, "sync", "preview", "crm.Contact") == [
        "into crm.Contact: 1,200 rows",
        "WOULD RECORDS",
        "update 1",
        "unchanged 1,198",
        "invalid 1",
        "warn: 1,200 rows, usually 500",
        "update {'Id': 'a', 'Email': '***'}",
        "invalid too long {'Id': 'b'}",
    ]
    assert asked == ["crm.Contact"]


def test_a_replay_says_what_came_back(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    given: list[Any] = []
    monkeypatch.setattr(errands, "replay_rejects", lambda settings, key, **more: given.append(more) or REPLAYED)
    assert said(capsys, "checks", "replay", "warehouse.raw.orders", "--batch", "b1") == [
        "BATCH LOADED SUPERSEDED STILL BAD",
        "b1 3 1 2",
    ]
    assert given[0]["batch"] == "b1"
    monkeypatch.setattr(errands, "replay_rejects", lambda settings, key, **more: {"batches": []})
    assert said(capsys, "checks", "replay", "warehouse.raw.orders") == ["nothing was set aside"]
