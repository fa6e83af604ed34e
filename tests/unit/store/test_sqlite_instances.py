"""Lock files: who is alive, told without mistakes when several look or tidy up at once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from toque.ports.store import AlreadyServed, StoreUnavailable
from toque.store.sqlite.instances import InstanceLocks


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "toque.db")


@pytest.fixture
def mine(path: str) -> Iterator[InstanceLocks]:
    locks = InstanceLocks(path)
    yield locks
    locks.release()


@pytest.fixture
def theirs(path: str) -> Iterator[InstanceLocks]:
    locks = InstanceLocks(path)
    yield locks
    locks.release()


def test_a_name_is_alive_while_it_is_held(mine: InstanceLocks, theirs: InstanceLocks) -> None:
    assert not theirs.is_alive("a")
    mine.hold("a", 7)
    mine.hold("a", 7)
    assert mine.is_alive("a")
    assert theirs.is_alive("a")
    assert theirs.living() == ["a"]
    mine.release()
    assert not theirs.is_alive("a")
    assert theirs.living() == []


def test_who_looks_is_not_taken_for_the_holder(mine: InstanceLocks, path: str) -> None:
    Path(f"{path}-instances").mkdir()
    left = Path(f"{path}-instances") / "dead.lock"
    left.write_text("7")
    with left.open() as another_look:
        fcntl.flock(another_look, fcntl.LOCK_SH)
        assert not mine.is_alive("dead")


def test_a_file_that_was_swept_between_open_and_lock_is_made_again(
    mine: InstanceLocks, theirs: InstanceLocks, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, swept = fcntl.flock, []

    def sweep_first(*arguments: Any) -> None:
        if not swept:
            swept.append(True)
            os.unlink(f"{path}-instances/a.lock")
        lock(*arguments)

    monkeypatch.setattr(fcntl, "flock", sweep_first)
    mine.hold("a", 7)
    assert swept
    assert theirs.is_alive("a")
    assert Path(f"{path}-instances/a.lock").read_text() == "7"


def test_sweeping_removes_the_dead_only(mine: InstanceLocks, theirs: InstanceLocks, path: str) -> None:
    mine.hold("a", 1)
    mine.hold_server(1)
    dead = Path(f"{path}-instances/dead.lock")
    dead.write_text("9")
    theirs.sweep()
    assert not dead.exists()
    assert theirs.living() == ["a"]
    with pytest.raises(AlreadyServed):
        theirs.hold_server(2)


def test_the_second_server_learns_who_the_first_one_is(mine: InstanceLocks, theirs: InstanceLocks) -> None:
    mine.hold_server(4711)
    mine.hold_server(4711)
    with pytest.raises(AlreadyServed, match="4711") as caught:
        theirs.hold_server(2)
    assert caught.value.pid == 4711
    mine.release()
    theirs.hold_server(2)


def test_a_place_for_lock_files_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "toque.db-instances").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="lock file"):
        InstanceLocks(str(tmp_path / "toque.db")).hold("a", 1)
