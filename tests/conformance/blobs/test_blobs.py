"""Blobs: whole or not there, the same bytes back, by range and by prefix; one suite for every kind of place."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from toque.errors import UserError
from toque.ports.blobs import Blobs
from toque.store.blobs import PARTIAL, LocalBlobs, MemoryBlobs, open_blobs
from toque.store.objects import ObjectBlobs

MAKERS: dict[str, Callable[[Path], Blobs]] = {
    "folder": lambda path: open_blobs(str(path / "blobs")),
    "memory": lambda path: open_blobs("memory:"),
    # The code for object stores, over obstore's own memory: its tests cover the clouds.
    "objects": lambda path: ObjectBlobs("memory:///"),
}


@pytest.fixture(params=MAKERS)
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    return MAKERS[request.param](tmp_path)


def test_what_was_put_comes_back(blobs: Blobs) -> None:
    data = bytes(range(256)) * 1_000
    assert blobs.put("runs/r1/t[0]/1 é", iter([data[:100], b"", data[100:]])) == len(data)
    assert blobs.get("runs/r1/t[0]/1 é") == data
    assert blobs.put("empty", []) == 0
    assert blobs.get("empty") == b""


def test_a_missing_blob_is_a_key_error_with_its_name(blobs: Blobs) -> None:
    blobs.put("a/b", [b"x"])
    for key in ("a", "a/c", "a/b/c", "nope"):
        with pytest.raises(KeyError, match=key):
            blobs.get(key)
        with pytest.raises(KeyError, match=key):
            blobs.get_range(key, 0, 1)
        assert blobs.local_path(key) is None


def test_a_range_ends_where_the_blob_ends(blobs: Blobs) -> None:
    blobs.put("k", [b"0123456789"])
    assert blobs.get_range("k", 2, 3) == b"234"
    assert blobs.get_range("k", 8, 100) == b"89"
    assert blobs.get_range("k", 0, 0) == b""
    assert blobs.get_range("k", 10, 5) == b""


def test_putting_again_replaces(blobs: Blobs) -> None:
    blobs.put("k", [b"one"])
    blobs.put("k", [b"three"])
    assert blobs.get("k") == b"three"


def test_a_writer_that_fails_leaves_what_was_there(blobs: Blobs) -> None:
    def failing() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError("the value cannot be encoded")

    blobs.put("kept", [b"kept"])
    for key in ("kept", "new"):
        with pytest.raises(RuntimeError, match="cannot be encoded"):
            blobs.put(key, failing())
    assert blobs.get("kept") == b"kept"
    with pytest.raises(KeyError):
        blobs.get("new")


def test_all_below_a_prefix_goes_and_nothing_else(blobs: Blobs) -> None:
    keys = ["runs/r1/a", "runs/r1/b/c", "runs/r10/a", "runs/r2", "other/runs/r1/a"]
    for key in keys:
        blobs.put(key, [b"x"])
    assert blobs.delete_prefix("runs/r1/") == 2
    assert blobs.delete_prefix("runs/r1/") == 0
    assert blobs.get("runs/r10/a") == b"x"
    assert blobs.delete_prefix("runs/r") == 2
    assert blobs.delete_prefix("unknown/deep/") == 0
    assert blobs.get("other/runs/r1/a") == b"x"
    assert blobs.delete_prefix("") == 1
    blobs.put("runs/r1/a", [b"again"])
    assert blobs.get("runs/r1/a") == b"again"


@pytest.mark.parametrize("key", ["", "/etc/passwd", "a//b", "../a", "a/../../b", "a/", ".", "a\0b", f"{PARTIAL}/x"])
def test_a_key_that_leads_out_is_refused(blobs: Blobs, key: str) -> None:
    for call in (blobs.get, lambda k: blobs.put(k, [b""]), lambda k: blobs.get_range(k, 0, 1)):
        with pytest.raises(ValueError, match="not a key"):
            call(key)


def test_a_folder_is_reached_again_by_its_url(tmp_path: Path) -> None:
    blobs = LocalBlobs(str(tmp_path / "a folder"))
    blobs.put("k", [b"x"])
    again = open_blobs(blobs.url)
    assert again.get("k") == b"x"
    assert again.url == blobs.url
    path = again.local_path("k")
    assert path == str(tmp_path / "a folder" / "k")
    assert Path(path).read_bytes() == b"x"


def test_a_reader_sees_the_old_or_the_new_never_a_mixture(tmp_path: Path) -> None:
    blobs = LocalBlobs(str(tmp_path))
    size = 300_000
    blobs.put("k", [b"a" * size])
    halfway, go_on = threading.Event(), threading.Event()

    def slowly() -> Iterator[bytes]:
        yield b"b" * (size // 2)
        halfway.set()
        go_on.wait(10)
        yield b"b" * (size // 2)

    writer = threading.Thread(target=blobs.put, args=("k", slowly()))
    writer.start()
    assert halfway.wait(10)
    assert blobs.get("k") == b"a" * size
    go_on.set()
    writer.join()
    assert blobs.get("k") == b"b" * size


def test_what_a_killed_writer_left_is_removed_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    blobs = LocalBlobs(str(tmp_path))

    killed = (
        "import os\n"
        "from toque.store.blobs import LocalBlobs\n"
        "def chunks():\n"
        "    yield b'x' * 100_000\n"
        "    os._exit(9)\n"
        f"LocalBlobs({str(tmp_path)!r}).put('never', chunks())\n"
    )
    assert subprocess.run([sys.executable, "-c", killed], check=False).returncode == 9
    assert len(list((tmp_path / PARTIAL).iterdir())) == 1

    def sweeping() -> Iterator[bytes]:
        yield b"a"
        blobs.delete_prefix("nothing/")
        assert len(list((tmp_path / PARTIAL).iterdir())) == 1
        yield b"b"

    blobs.put("k", sweeping())
    assert blobs.get("k") == b"ab"
    assert list((tmp_path / PARTIAL).iterdir()) == []


def test_a_blob_is_on_the_disk_before_its_name_and_its_name_before_put_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def fsync(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "bytes")

    def replace(source: str, target: str) -> None:
        done.append("name")
        os.rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    LocalBlobs(str(tmp_path)).put("new/folders/k", [b"x"])
    # Each of the two new folders is an entry of another one.
    assert done == ["bytes", "name", "folder", "folder", "folder"]


def test_a_large_blob_is_streamed(tmp_path: Path) -> None:

    blobs = LocalBlobs(str(tmp_path))
    chunk = bytes(1_000_000)
    tracemalloc.start()
    assert blobs.put("k", (chunk for _ in range(64))) == 64_000_000
    assert blobs.get_range("k", 63_999_990, 100) == bytes(10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000


def test_an_unknown_place_says_what_there_is() -> None:
    with pytest.raises(UserError, match="unknown blob store") as caught:
        open_blobs("ftp://host/path")
    assert "s3://" in caught.value.fix


def test_memory_is_no_place_for_two_processes_and_says_so_by_its_url() -> None:
    blobs = MemoryBlobs()
    blobs.put("k", [b"x"])
    assert blobs.local_path("k") is None


def test_obstore_is_named_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(UserError, match="obstore") as caught:
        open_blobs("s3://bucket/path")
    assert "pip install" in caught.value.fix
