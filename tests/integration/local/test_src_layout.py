"""A project that is itself a package, installed in place with its code in `src/`, and one that it depends on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FLOW = """\
from helpers_of_mine import triple
from mypackage.numbers import ONE

from toque import pipeline, task


@task
def work() -> str:
    import sys
    import mypackage.numbers
    return f"{triple(ONE)} from {mypackage.numbers.__file__}"


@pipeline
def packaged():
    return work()
"""


def install_in_place(site: Path, name: str, root: Path) -> None:
    """What `pip install -e` leaves behind: metadata with the origin, and a `.pth` file."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n")
    (info / "direct_url.json").write_text(json.dumps({"url": root.as_uri(), "dir_info": {"editable": True}}))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    package = root / "src" / "mypackage"
    package.mkdir(parents=True)
    (root / "toque.toml").write_text("workers = 1\n")
    (package / "__init__.py").write_text("")
    (package / "numbers.py").write_text("ONE = 1\n")
    (package / "flows.py").write_text(FLOW)
    helpers = tmp_path / "elsewhere" / "src"
    helpers.mkdir(parents=True)
    (helpers / "helpers_of_mine.py").write_text("def triple(n: int) -> int:\n    return 3 * n\n")
    install_in_place(tmp_path / "site", "mypackage", root)
    install_in_place(tmp_path / "site", "helpers-of-mine", tmp_path / "elsewhere")
    return root


def test_modules_are_found_by_their_own_names_in_the_snapshot(project: Path, tmp_path: Path) -> None:
    search = [tmp_path / "site", project / "src", tmp_path / "elsewhere" / "src", *map(Path, sys.path)]
    environ = {
        "PATH": str(Path(sys.executable).parent),
        "HOME": str(tmp_path),
        "PYTHONPATH": ":".join(str(each) for each in search if each.is_dir()),
    }
    command = [sys.executable, "-m", "toque", "run", "src/mypackage/flows.py", "--json"]
    ended = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    result = json.loads(ended.stdout)["result"]
    assert result.startswith("3 from ")
    assert "/.toque/bundles/" in result
    assert result.endswith("/src/mypackage/numbers.py")

    listed = subprocess.run(
        [sys.executable, "-m", "toque", "list", "--json"],
        cwd=project,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [each["name"] for each in json.loads(listed.stdout)["pipelines"]] == ["packaged"]
