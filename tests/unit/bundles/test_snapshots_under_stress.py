"""Bundles where things go wrong: files that vanish, disks without links, several processes at once."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from toque.cli.exits import Exit, exit_for
from toque.errors import UserError
from toque.ports.store import StoreUnavailable
from toque.store import bundles, project_files
from toque.store.bundles import opened, prune, snapshot
from toque.store.project_files import Limits, Listing

SNAPSHOT = "import sys; from pathlib import Path; from toque.store.bundles import snapshot; "
SNAPSHOT += "print(snapshot(Path(sys.argv[1])).hash)"


def listing(*paths: str) -> Callable[..., Listing]:
    return lambda *_, **__: Listing(paths)


def test_several_processes_may_snapshot_at_once(project: Path) -> None:
    for number in range(40):
        (project / f"module_{number}.py").write_text(f"n = {number}\n")
    command = [sys.executable, "-c", SNAPSHOT, str(project)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    hashes = {process.communicate()[0].strip() for process in started}
    assert [process.returncode for process in started] == [0, 0, 0, 0]
    (digest,) = hashes
    bundle = opened(project, digest)
    assert bundle is not None
    assert len(bundle.files) == 43
    assert not [path for path in bundle.path.parent.iterdir() if path.name.startswith("building-")]


def test_a_bundle_that_another_process_finished_first_is_taken(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = bundles._build

    def twice(*arguments: object) -> None:
        build(*arguments)  # type: ignore[arg-type]
        build(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(bundles, "_build", twice)
    bundle = snapshot(project)
    assert (bundle.path / "flow.py").read_text() == "x = 1\n"
    assert sorted(path.name for path in bundle.path.parent.iterdir() if path.is_dir()) == [bundle.hash, "objects"]


def test_a_file_that_vanishes_after_it_was_listed_is_left_out(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "list_files", listing("flow.py", "gone.py"))
    assert list(snapshot(project).files) == ["flow.py"]


def test_where_links_cannot_be_made_files_are_copied(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    bundle = snapshot(project)
    assert (bundle.path / "flow.py").read_text() == "x = 1\n"
    assert (bundle.path / "flow.py").stat().st_nlink == 1


def test_a_bundle_that_cannot_be_written_leaves_nothing_behind(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(bundles._Objects, "place", full)
    with pytest.raises(StoreUnavailable, match="No space left"):
        snapshot(project)
    home = project / ".toque" / "bundles"
    assert sorted(path.name for path in home.iterdir()) == ["lock", "objects"]


def test_a_content_that_changes_between_hash_and_use_is_noticed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "_RACY_NS", 0)
    snapshot(project)
    prune(project, set(), spared_s=-60)
    (project / "flow.py").write_text("x = 9\n")
    objects = bundles._Objects(project / ".toque" / "bundles")
    with pytest.raises(OSError, match="changed while it was read"):
        objects.place("0" * 64, project / "flow.py", project / "copy.py")


@pytest.mark.parametrize("declared", [True, False])
def test_a_project_too_large_for_a_bundle_is_refused_before_it_is_read(
    project: Path, monkeypatch: pytest.MonkeyPatch, declared: bool
) -> None:
    if not declared:
        (project / "toque.toml").unlink()
    tiny = Limits(files=100, size_bytes=3, entries=1000)
    monkeypatch.setattr(project_files, "DECLARED" if declared else "UNDECLARED", tiny)
    monkeypatch.setattr(bundles._Objects, "store", lambda *_: pytest.fail("it was read"))
    with pytest.raises(UserError, match="too large"):
        snapshot(project)


def test_a_project_in_a_directory_with_odd_names_is_snapshotted(tmp_path: Path) -> None:
    root = tmp_path / "mi proyecto ñ"
    root.mkdir()
    for name in ("ordinary.py", "with space.py", "ünïcode.sql", "-dash.py"):
        (root / name).write_text(name)
    bundle = snapshot(root)
    assert {(bundle.path / name).read_text() for name in bundle.files} == set(bundle.files)


def test_an_editable_distribution_with_two_roots_keeps_them_apart(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toque.store.distributions import Editable, Installed

    roots = (tmp_path / "one", tmp_path / "two")
    for root in roots:
        root.mkdir()
        (root / "module.py").write_text(root.name)
    found = Installed((), (Editable("double", roots),))
    monkeypatch.setattr(bundles, "installed", lambda: found)
    bundle = snapshot(project)
    assert bundle.roots == ("", ".editable/double", ".editable/double.1")
    assert (bundle.path / ".editable/double.1/module.py").read_text() == "two"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_no_mistake_of_the_user(project: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(bundles, "_build", full)
    with pytest.raises(StoreUnavailable, match="cannot be snapshotted") as caught:
        snapshot(project)
    assert exit_for(caught.value) is Exit.UNAVAILABLE
