"""Which files belong to a project."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.bundles.conftest import Git
from toque.errors import UserError
from toque.settings import BundleFiles
from toque.store import project_files
from toque.store.project_files import Limits, check_size, list_files, matcher


def paths(project: Path, *, declared: bool = True) -> list[str]:
    return list(list_files(project, declared=declared).paths)


def test_outside_of_a_repository_a_walk_leaves_out_what_is_not_code(project: Path) -> None:
    for name in (".git-like/x.py", "__pycache__/x.pyc", "node_modules/m.py", "env/pyvenv.cfg", "env/lib/y.py"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("")
    (project / "data.csv").write_text("")
    assert paths(project) == ["data.csv", "flow.py", "lib/q.sql", "toque.toml"]


def test_what_tasks_write_makes_no_new_version_where_there_is_no_git(project: Path) -> None:
    for name in ("out/sales.csv", "logs/a/b.txt", "lib/shop.duckdb", "shop.duckdb.wal", "x.db-wal", "run.log"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("")
    assert paths(project) == ["flow.py", "lib/q.sql", "toque.toml"]
    assert list_files(project, declared=True, files=BundleFiles(include=("out/*.csv",))).paths[2] == "out/sales.csv"


@pytest.mark.parametrize("has_git", [False, True])
def test_projects_inside_of_a_project_are_left_out(
    project: Path, request: pytest.FixtureRequest, has_git: bool
) -> None:
    if has_git:
        request.getfixturevalue("git")
    for name in ("inner/toque.toml", "inner/a.py", "inner/deep/toque.toml", "a/b/toque.toml", "a/c.py", "inner.py"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("")
    found = list_files(project, declared=True)
    assert found.paths == ("a/c.py", "flow.py", "inner.py", "lib/q.sql", "toque.toml")
    assert found.nested == ("a/b", "inner")
    assert "inner/a.py" in list_files(project, declared=True, files=BundleFiles(include=("inner/*.py",))).paths


@pytest.mark.parametrize("has_git", [False, True])
def test_where_connections_keep_data_is_no_code_unless_code_lies_there(
    project: Path, request: pytest.FixtureRequest, has_git: bool
) -> None:
    if has_git:
        request.getfixturevalue("git")
    data = ("in/a.csv", "in/deep/b.json", "lake.data", "lake.data.wal", "lake.data.tmp/x", "in/2026.csv")
    code = ("inner.py", "lib/seed.csv", "in.csv")
    for name in (*data, *code):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("")
    files = BundleFiles(data=("in", "lake.data", "lib"))
    found = list_files(project, files, declared=True).paths
    assert found == ("flow.py", "in.csv", "inner.py", "lib/q.sql", "lib/seed.csv", "toque.toml")
    files = BundleFiles(data=("in",), include=("in/*.csv",))
    assert "in/a.csv" in list_files(project, files, declared=True).paths


def test_a_package_that_is_called_like_an_output_is_code(project: Path) -> None:
    for name in ("results/__init__.py", "results/a.csv", "lib/out/b.csv", "data/seed.csv", "catalog"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("")
    assert {"results/a.csv", "lib/out/b.csv", "data/seed.csv", "catalog"} <= set(paths(project))


def test_without_a_declared_project_only_code_is_taken(project: Path) -> None:
    (project / "data.csv").write_text("")
    (project / "toque.toml").unlink()
    assert paths(project, declared=False) == ["flow.py", "lib/q.sql"]


def test_in_a_repository_git_says_what_belongs_to_it(project: Path, git: Git) -> None:
    (project / ".gitignore").write_text("ignored.py\n")
    for name in ("ignored.py", "untracked.py", ".toque/x", "env/pyvenv.cfg", "env/z.py"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text("")
    git("add", "flow.py", "lib")
    (project / "lib" / "q.sql").unlink()
    assert paths(project) == [".gitignore", "flow.py", "toque.toml", "untracked.py"]


def test_a_project_below_the_root_of_a_repository_has_its_own_files_only(project: Path, git: Git) -> None:
    assert paths(project / "lib") == ["q.sql"]


def test_the_commit_and_whether_it_is_all_are_recorded(project: Path, git: Git) -> None:
    assert (list_files(project, declared=True).git_commit, list_files(project, declared=True).git_dirty) == ("", True)
    git("add", ".")
    git("commit", "-qm", "first")
    clean = list_files(project, declared=True)
    assert (clean.git_commit, clean.git_dirty) == (git("rev-parse", "HEAD").strip(), False)
    (project / "flow.py").write_text("changed\n")
    assert list_files(project, declared=True).git_dirty


def test_a_repository_within_the_project_is_walked(project: Path, git: Git) -> None:
    nested = project / "vendored"
    nested.mkdir()
    (nested / "lib.py").write_text("")
    git("init", "-q", "vendored")
    assert "vendored/lib.py" in paths(project)


def test_a_project_that_its_repository_ignores_is_walked(project: Path, git: Git) -> None:
    (project / ".gitignore").write_text("lib/\n")
    assert paths(project / "lib") == ["q.sql"]


def test_links_to_directories_are_left_out_and_links_to_files_are_taken(project: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "big.py").write_text("")
    (project / "data").symlink_to(tmp_path / "outside")
    (project / "one.py").symlink_to(tmp_path / "outside" / "big.py")
    (project / "dangling.py").symlink_to(tmp_path / "nowhere")
    assert paths(project) == ["flow.py", "lib/q.sql", "one.py", "toque.toml"]


def test_too_many_files_without_a_declared_project_say_how_to_declare_one(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_files, "UNDECLARED", Limits(files=1, size_bytes=10, entries=100))
    with pytest.raises(UserError, match="toque init"):
        paths(project, declared=False)


def test_a_walk_ends_at_its_limit(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_files, "UNDECLARED", Limits(files=100, size_bytes=10, entries=2))
    with pytest.raises(UserError, match="more than 2 files"):
        paths(project, declared=False)


def test_a_declared_project_is_told_to_exclude_its_data(project: Path) -> None:
    check_size(project, 499 * 2**20, declared=True)
    with pytest.raises(UserError, match="exclude") as caught:
        check_size(project, 501 * 2**20, declared=True)
    assert caught.value.file == str(project / "toque.toml")
    with pytest.raises(UserError, match="toque init"):
        check_size(project, 51 * 2**20, declared=False)


@pytest.mark.parametrize(
    ("pattern", "matched", "not_matched"),
    [
        ("*.csv", ["a.csv", "deep/a.csv"], ["a.csv.py"]),
        ("data/", ["data/x", "deep/data/x"], ["data", "mydata/x"]),
        ("/data", ["data", "data/x"], ["deep/data/x"]),
        ("a/*.py", ["a/x.py"], ["a/b/x.py", "b/a/x.py"]),
        ("a/**/x.py", ["a/x.py", "a/b/c/x.py"], ["x.py"]),
        ("x?.py", ["x1.py"], ["x.py", "x12.py"]),
        ("x[!0-9].py", ["xa.py"], ["x1.py"]),
    ],
)
def test_patterns_are_those_of_gitignore(pattern: str, matched: list[str], not_matched: list[str]) -> None:
    is_matched = matcher([pattern])
    assert [path for path in matched + not_matched if is_matched(path)] == matched
