"""What a page sees of this machine's disk: files that a bundle names, the log of an attempt, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from toque.engine.values import TaskKey
from toque.errors import NotFound
from toque.local.code_files import MAX_FILE_BYTES, CodeFiles
from toque.local.machine import LocalMachine
from toque.ports.executor import WorkerSeen
from toque.store import bundles


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "toque.toml").write_text("")
    (tmp_path / "flow.py").write_text("x = 1\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "query.sql").write_text("select 1")
    (tmp_path / "picture.bin").write_bytes(b"\xff\xfe\x00")
    return tmp_path


@pytest.fixture
def code(project: Path) -> CodeFiles:
    return CodeFiles(project, project / "logs")


def test_files_are_listed_with_size_and_digest(project: Path, code: CodeFiles) -> None:
    bundle = bundles.snapshot(project).hash
    found = {file.path: file.size for file in code.files(bundle)}
    assert (found["flow.py"], found["sub/query.sql"]) == (6, 8)
    assert len({file.digest for file in code.files(bundle)}) == len(found)


def test_the_text_is_that_of_the_bundle_not_of_today(project: Path, code: CodeFiles) -> None:
    bundle = bundles.snapshot(project).hash
    (project / "flow.py").write_text("x = 2\n")
    assert code.text(bundle, "flow.py") == "x = 1\n"


@pytest.mark.parametrize(
    "path", ["../toque.toml", "/etc/passwd", ".toque-bundle.json", "sub", "", "sub/../flow.py", "nope"]
)
def test_only_what_the_manifest_names_is_read(project: Path, code: CodeFiles, path: str) -> None:
    with pytest.raises(NotFound):
        code.text(bundles.snapshot(project).hash, path)


@pytest.mark.parametrize("bundle", ["", "0123456789abcdef", "objects", "../.."])
def test_what_is_no_bundle_here_is_said(project: Path, code: CodeFiles, bundle: str) -> None:
    bundles.snapshot(project)
    with pytest.raises(NotFound, match="not on this machine"):
        code.files(bundle)


def test_binary_and_large_files_are_described(project: Path, code: CodeFiles) -> None:
    (project / "large.sql").write_text("x" * (MAX_FILE_BYTES + 1))
    bundle = bundles.snapshot(project).hash
    assert "binary content" in code.text(bundle, "picture.bin")
    assert "too large" in code.text(bundle, "large.sql")


def test_the_traceback_is_found_among_the_lines_of_the_log(project: Path, code: CodeFiles) -> None:
    key = TaskKey("flow/step", (3, 1))
    file = Path(code.log_file("r1", key, 2))
    assert file.is_relative_to(project / "logs" / "r1")
    file.parent.mkdir(parents=True)
    lines = [
        {"t": 1, "level": "info", "stream": "stdout", "msg": 'a "traceback" in words'},
        {"t": 2, "level": "error", "stream": "traceback", "msg": "Traceback …\nValueError: no"},
    ]
    file.write_text("\n".join(map(json.dumps, lines)) + '\n{"stream": "traceback", "ms')
    assert code.traceback("r1", key, 2) == "Traceback …\nValueError: no"
    assert code.traceback("r1", key, 1) == ""


class Fleet:
    """An executor that knows its processes."""

    name = "process"

    def free(self) -> int:
        return 3

    def workers(self) -> list[WorkerSeen]:
        attempts = [("r1", "load", (2,), 5)]
        return [WorkerSeen(name="host:1", state="busy", lane="sync", bundle="b", environment="", attempts=attempts)]


class Plain:
    """An executor without processes."""

    name = "inline"

    def free(self) -> int:
        return 1


def test_workers_are_shown_with_what_they_hold() -> None:
    machine = LocalMachine({"process": Fleet(), "inline": Plain()})  # type: ignore[dict-item]
    [row] = machine.workers()
    assert (row.worker, row.executor, row.state) == ("host:1", "process", "busy")
    assert [(user.run_id, user.task, user.index) for user in row.attempts] == [("r1", "load", [2])]
    assert (machine.free("process"), machine.free("nope")) == (3, 0)
