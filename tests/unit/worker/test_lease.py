"""Leases: what a worker sees of the time that its server has left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from toque.worker import lease
from toque.worker.lease import Lease, LeaseFile


def test_without_a_file_there_is_no_limit() -> None:
    assert Lease().holds()


def test_a_lease_holds_until_its_end_and_can_be_extended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr(lease, "now_s", lambda: now_s)
    file = LeaseFile(tmp_path)
    seen = Lease(str(file.path))
    assert not seen.holds()  # never extended: the server has not said that it owns anything
    file.extend(110.0)
    assert seen.holds()
    now_s = 110.0
    assert not seen.holds()
    file.extend(120.0)
    assert seen.holds()
    file.close()
    assert not file.path.exists()


def test_files_of_the_dead_are_removed_and_those_of_the_living_stay(tmp_path: Path) -> None:
    dead = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(dead, 0)
    left = tmp_path / f".lease-{dead}-0"
    left.touch()
    other = LeaseFile(tmp_path)
    mine = LeaseFile(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {other.path.name, mine.path.name}
    mine.close()
    other.close()
