"""What changed between two bundles, file by file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from toque.store.bundle_diff import FileDiff, diff
from toque.store.bundles import Bundle


def bundle(root: Path, **files: bytes) -> Bundle:
    root.mkdir()
    named = {name.replace("__", "/").replace("_py", ".py"): content for name, content in files.items()}
    for path, content in named.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in named.items()}
    return Bundle(hash=root.name, path=root, project=root, files=digests)


def changed(tmp_path: Path, before: bytes, after: bytes) -> str:
    [found] = diff(bundle(tmp_path / "a", flow_py=before), bundle(tmp_path / "b", flow_py=after))
    assert (found.path, found.change) == ("flow.py", "changed")
    return found.text


def test_files_that_are_the_same_are_not_named(tmp_path: Path) -> None:
    assert diff(bundle(tmp_path / "a", flow_py=b"x\n"), bundle(tmp_path / "b", flow_py=b"x\n")) == []


def test_files_that_come_go_and_change_are_named_by_path(tmp_path: Path) -> None:
    old = bundle(tmp_path / "a", gone_py=b"1\n", sub__flow_py=b"1\n")
    new = bundle(tmp_path / "b", sub__flow_py=b"2\n", a_py=b"new\n")
    assert diff(old, new) == [
        FileDiff("a.py", "added", "--- a/a.py\n+++ b/a.py\n@@ -0,0 +1 @@\n+new\n"),
        FileDiff("gone.py", "removed", "--- a/gone.py\n+++ b/gone.py\n@@ -1 +0,0 @@\n-1\n"),
        FileDiff("sub/flow.py", "changed", "--- a/sub/flow.py\n+++ b/sub/flow.py\n@@ -1 +1 @@\n-1\n+2\n"),
    ]


@pytest.mark.parametrize(("before", "after"), [(b"\xff\xfe", b"text\n"), (b"text\n", b"\xff\xfe"), (b"\xff", b"\xfe")])
def test_binary_content_is_said_on_either_side(before: bytes, after: bytes, tmp_path: Path) -> None:
    assert changed(tmp_path, before, after) == "binary file flow.py differs\n"


def test_a_missing_end_of_the_last_line_is_said(tmp_path: Path) -> None:
    assert changed(tmp_path, b"x\ny", b"x\ny\n").splitlines()[3:] == [
        " x",
        "-y",
        "\\ No newline at end of file",
        "+y",
    ]


@pytest.mark.parametrize("odd", ["\x0c", "\x0b", "\x1c", "\u2028", "\x85"], ids=ascii)
def test_only_a_line_feed_ends_a_line(odd: str, tmp_path: Path) -> None:
    text = changed(tmp_path, f"a{odd}b\nc\n".encode(), f"a{odd}b\nd\n".encode())
    assert text.split("\n")[2:] == ["@@ -1,2 +1,2 @@", f" a{odd}b", "-c", "+d", ""]


def test_other_ends_of_lines_are_a_change(tmp_path: Path) -> None:
    assert changed(tmp_path, b"a\n", b"a\r\n") == "--- a/flow.py\n+++ b/flow.py\n@@ -1 +1 @@\n-a\n+a\r\n"


def test_a_file_that_becomes_empty_loses_its_lines(tmp_path: Path) -> None:
    assert changed(tmp_path, b"a\n", b"").endswith("@@ -1 +0,0 @@\n-a\n")
