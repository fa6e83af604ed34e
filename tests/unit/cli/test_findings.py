"""What `doctor` finds on machines that are not well."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from toque.cli import findings
from toque.settings import Settings, load


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "toque.toml").write_text("")
    return load(tmp_path, environ={})


def test_another_platform_fails(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings.platform(settings).outcome == "ok"
    monkeypatch.setattr(findings.sys, "platform", "win32")
    found = findings.platform(settings)
    assert (found.outcome, "WSL" in found.fix) == ("failed", True)


def test_a_stray_file_is_no_project(tmp_path: Path) -> None:
    found = findings.project(load(tmp_path, environ={}))
    assert (found.outcome, found.fix) == ("warning", "toque init")


@pytest.mark.parametrize(("free", "outcome"), [(2**40, "ok"), (2**29, "warning"), (2**20, "failed")])
def test_little_room_is_said_in_time(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, free: int, outcome: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=free))
    assert findings.disk(settings).outcome == outcome


def test_a_place_that_cannot_be_written_fails(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = findings.disk(settings)
    assert (found.outcome, "cannot be written" in found.message) == ("failed", True)


def test_without_git_versions_have_no_commit(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert findings.git(settings).outcome == "warning"


def test_a_commit_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from toque.store import project_files

    listing = project_files.Listing(("a.py",), git_commit="c0ffee" * 6, git_dirty=True)
    monkeypatch.setattr(project_files, "list_files", lambda *_, **__: listing)
    assert findings.git(settings).message == "at c0ffeec0ff, with uncommitted changes"


def test_a_slow_snapshot_is_a_warning(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings.bundle(settings).outcome == "ok"
    ticks = iter([0.0, 0.9])
    monkeypatch.setattr(findings.time, "perf_counter", lambda: next(ticks))
    found = findings.bundle(settings)
    assert (found.outcome, "exclude" in found.fix) == ("warning", True)
