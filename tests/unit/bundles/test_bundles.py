"""A bundle is named by what it contains, cannot be half there, and costs little when nothing changed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
import pytest

from tests.unit.bundles.conftest import Git
from toque.errors import UserError
from toque.settings import BundleFiles
from toque.store import bundles
from toque.store.bundle_diff import diff
from toque.store.bundles import MANIFEST, Manifest, opened, prune, snapshot
from toque.store.distributions import Editable, Installed


def test_a_bundle_has_the_content_of_the_project(project: Path) -> None:
    bundle = snapshot(project)
    assert sorted(bundle.files) == ["flow.py", "lib/q.sql", "toque.toml"]
    assert (bundle.path / "lib" / "q.sql").read_text() == "select 1\n"
    assert bundle.project == project
    assert bundle.path == project / ".toque" / "bundles" / bundle.hash


def test_the_same_content_is_the_same_bundle_wherever_it_lies(project: Path, tmp_path: Path) -> None:
    first = snapshot(project)
    moved = project.rename(tmp_path / "elsewhere")
    assert snapshot(moved).hash == first.hash


def test_an_edit_makes_another_bundle_and_leaves_the_first_alone(project: Path) -> None:
    first = snapshot(project)
    (project / "flow.py").write_text("x = 2\n")
    second = snapshot(project)
    assert first.hash != second.hash
    assert (first.path / "flow.py").read_text() == "x = 1\n"
    assert (second.path / "flow.py").read_text() == "x = 2\n"


def test_an_edit_that_keeps_size_and_mtime_is_noticed(project: Path) -> None:
    first = snapshot(project)
    status = (project / "flow.py").stat()
    (project / "flow.py").write_text("x = 3\n")
    os.utime(project / "flow.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert snapshot(project).hash != first.hash


def test_renaming_a_file_makes_another_bundle(project: Path) -> None:
    first = snapshot(project)
    (project / "flow.py").rename(project / "flows.py")
    assert snapshot(project).hash != first.hash


def test_files_are_read_only_and_shared_between_bundles(project: Path) -> None:
    first = snapshot(project)
    (project / "flow.py").write_text("x = 2\n")
    second = snapshot(project)
    assert (first.path / "lib" / "q.sql").stat().st_mode & 0o222 == 0
    assert (first.path / "lib" / "q.sql").stat().st_ino == (second.path / "lib" / "q.sql").stat().st_ino


def test_a_script_stays_executable(project: Path) -> None:
    plain = snapshot(project)
    (project / "flow.py").chmod(0o755)
    executable = snapshot(project)
    assert executable.hash != plain.hash
    assert os.access(executable.path / "flow.py", os.X_OK)
    assert not (plain.path / "flow.py").stat().st_mode & 0o111


def test_nothing_is_read_again_when_nothing_changed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    an_hour_ago = time.time_ns() - 3600 * 10**9
    monkeypatch.setattr(bundles, "_RACY_NS", 0)
    for path in project.rglob("*"):
        os.utime(path, ns=(an_hour_ago, an_hour_ago))
    first = snapshot(project)
    read: list[Path] = []
    monkeypatch.setattr(bundles._Objects, "store", lambda _, source: read.append(source))
    assert snapshot(project).hash == first.hash
    assert read == []


def test_a_file_changed_just_before_it_was_hashed_is_hashed_again(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot(project)
    read: list[str] = []
    store = bundles._Objects.store

    def spy(self: bundles._Objects, source: Path) -> str:
        read.append(source.name)
        return store(self, source)

    monkeypatch.setattr(bundles._Objects, "store", spy)
    snapshot(project)
    assert sorted(read) == ["flow.py", "q.sql", "toque.toml"]


def test_the_distributions_and_the_python_are_part_of_the_hash(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = snapshot(project)
    monkeypatch.setattr(bundles, "installed", lambda: Installed(("numpy==9",)))
    second = snapshot(project)
    monkeypatch.setattr(bundles, "python_version", lambda: "cpython 9.9.9")
    assert len({first.hash, second.hash, snapshot(project).hash}) == 3


def test_the_hash_is_that_of_the_manifest(project: Path) -> None:
    bundle = snapshot(project)
    manifest = msgspec.json.decode((bundle.path / MANIFEST).read_bytes(), type=Manifest)
    assert manifest.files == bundle.files
    assert manifest.roots[0] == ""


def test_code_installed_in_place_is_part_of_the_bundle(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "shared" / "src" / "shared_code"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("y = 1\n")
    (project / "src").mkdir()
    (project / "src" / "own.py").write_text("")
    shared = Editable("shared-code", (tmp_path / "shared" / "src",))
    own = Editable("own", (project / "src",))
    found = Installed((), (shared, own))
    monkeypatch.setattr(bundles, "installed", lambda: found)
    bundle = snapshot(project)
    assert (bundle.path / ".editable" / "shared-code" / "shared_code" / "__init__.py").read_text() == "y = 1\n"
    assert bundle.roots == ("", ".editable/shared-code", "src")


def test_an_earlier_bundle_can_be_opened(project: Path) -> None:
    first = snapshot(project)
    again = opened(project, first.hash)
    assert again is not None
    assert (again.files, again.roots, again.path) == (first.files, first.roots, first.path)
    assert opened(project, "0" * 16) is None


def test_the_state_of_runs_is_hidden_from_git(project: Path, git: Git) -> None:
    git("add", ".")
    git("commit", "-qm", "first")
    bundle = snapshot(project)
    assert (bundle.git_commit, bundle.git_dirty) == (git("rev-parse", "HEAD").strip(), False)
    assert git("status", "--porcelain") == ""


def test_prune_keeps_what_is_named_and_what_is_young(project: Path) -> None:
    first = snapshot(project)
    (project / "flow.py").write_text("x = 2\n")
    second = snapshot(project)
    assert prune(project, {second.hash}) == []
    assert prune(project, {second.hash}, spared_s=-60) == [first.hash]
    assert opened(project, first.hash) is None
    assert (second.path / "flow.py").read_text() == "x = 2\n"
    contents = {path.read_text() for path in (project / ".toque/bundles/objects").glob("*/*")}
    assert contents == {"x = 2\n", "select 1\n", ""}


def test_a_pruned_content_comes_back_with_the_next_snapshot(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "_RACY_NS", 0)
    first = snapshot(project)
    prune(project, set(), spared_s=-60)
    again = snapshot(project)
    assert again.hash == first.hash
    assert (again.path / "flow.py").read_text() == "x = 1\n"


def test_pruning_a_project_that_never_ran_does_nothing(project: Path) -> None:
    assert prune(project, set()) == []


def test_a_broken_index_is_made_anew(project: Path) -> None:
    first = snapshot(project)
    (project / ".toque" / "bundles" / "index.msgpack").write_bytes(b"\xff")
    assert snapshot(project).hash == first.hash


def test_a_place_that_cannot_be_written_is_a_clear_error(project: Path) -> None:
    (project / ".toque").write_text("a file, where a directory belongs")
    with pytest.raises(UserError, match="cannot be snapshotted"):
        snapshot(project)


def test_included_files_come_on_top_and_excluded_ones_go(project: Path) -> None:
    (project / ".hidden").mkdir()
    (project / ".hidden" / "model.sql").write_text("")
    bundle = snapshot(project, BundleFiles(include=(".hidden/*.sql",), exclude=("lib/",)))
    assert sorted(bundle.files) == [".hidden/model.sql", "flow.py", "toque.toml"]


def test_a_diff_is_unified_text_by_file(project: Path) -> None:
    old = snapshot(project)
    (project / "flow.py").write_text("x = 2\n")
    (project / "lib" / "q.sql").unlink()
    (project / "new.bin").write_bytes(b"\xff\x00")
    new = snapshot(project)
    changes = {change.path: change for change in diff(old, new)}
    assert {path: change.change for path, change in changes.items()} == {
        "flow.py": "changed",
        "lib/q.sql": "removed",
        "new.bin": "added",
    }
    assert changes["flow.py"].text == "--- a/flow.py\n+++ b/flow.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n"
    assert changes["new.bin"].text == "binary file new.bin differs\n"
    assert diff(new, new) == []


def test_a_missing_last_newline_is_shown(project: Path) -> None:
    old = snapshot(project)
    (project / "flow.py").write_text("x = 1")
    assert "\\ No newline at end of file" in diff(old, snapshot(project))[0].text
