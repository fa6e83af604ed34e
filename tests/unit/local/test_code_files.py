"""What a page is shown of a machine's disk: files of bundles, logs of attempts, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from toque.engine.values import TaskKey
from toque.errors import NotFound
from toque.local.code_files import MAX_FILE_BYTES, CodeFiles
from toque.store import bundles

KEY = TaskKey("load", (3, 1))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "deep").mkdir(parents=True)
    (root / "toque.toml").write_text('name = "p"\n')
    (root / "flow.py").write_text("x = 'é'\n")
    (root / "deep" / "logo.png").write_bytes(b"\x89PNG\xff\xfe")
    return root


@pytest.fixture
def code(project: Path, tmp_path: Path) -> CodeFiles:
    return CodeFiles(project, tmp_path / "logs")


@pytest.fixture
def bundle(project: Path) -> str:
    return bundles.snapshot(project).hash


def log(code: CodeFiles, *lines: bytes) -> None:
    path = Path(code.log_file("r1", KEY, 2))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\n".join(lines) + b"\n")


def trace(text: str) -> bytes:
    return json.dumps({"stream": "traceback", "msg": text}).encode()


def test_files_of_a_bundle_are_listed_with_their_sizes(code: CodeFiles, bundle: str) -> None:
    found = {each.path: each.size for each in code.files(bundle)}
    assert found == {"deep/logo.png": 6, "flow.py": 9, "toque.toml": 11}
    assert [each.path for each in code.files(bundle)] == sorted(found)
    assert len({each.digest for each in code.files(bundle)}) == 3


def test_text_is_read_from_the_bundle_not_from_the_project(code: CodeFiles, bundle: str, project: Path) -> None:
    (project / "flow.py").write_text("changed since")
    assert code.text(bundle, "flow.py") == "x = 'é'\n"


def test_what_is_no_text_is_said(code: CodeFiles, bundle: str) -> None:
    assert code.text(bundle, "deep/logo.png") == "(6 bytes of binary content)"


def test_what_is_too_large_is_said(code: CodeFiles, project: Path) -> None:
    (project / "big.sql").write_text("x" * (MAX_FILE_BYTES + 1))
    assert code.text(bundles.snapshot(project).hash, "big.sql") == "(2,097,153 bytes: too large to be shown)"


@pytest.mark.parametrize(
    "path", ["../../../toque.toml", "/etc/passwd", "deep", "", ".", "deep/../flow.py", "flow.py/", "missing.py"]
)
def test_only_what_the_bundle_names_is_read(path: str, code: CodeFiles, bundle: str) -> None:
    with pytest.raises(NotFound, match="has no file"):
        code.text(bundle, path)


@pytest.mark.parametrize("digest", ["", "0123456789abcdef"])
def test_code_that_is_not_here_is_said(digest: str, code: CodeFiles) -> None:
    with pytest.raises(NotFound, match="is not on this machine"):
        code.files(digest)
    with pytest.raises(NotFound, match="is not on this machine"):
        code.text(digest, "flow.py")


def test_tracebacks_are_found_in_the_log(code: CodeFiles) -> None:
    log(code, b'{"stream": "stdout", "msg": "hello"}', trace("Traceback…\nValueError: x"), trace("second"))
    assert code.traceback("r1", KEY, 2) == "Traceback…\nValueError: x\nsecond"


def test_a_log_that_is_not_there_has_none(code: CodeFiles) -> None:
    assert code.traceback("r1", KEY, 1) == ""


@pytest.mark.parametrize(
    "line",
    [
        b'{"stream": "traceback", "msg": "cut',
        b'"traceback"',
        b'["traceback"]',
        b'\xff\xfe "traceback"',
        b'{"stream": "stdout", "msg": "the \\"traceback\\" of somebody"}',
        b'{"stream": "traceback"}',
    ],
)
def test_odd_lines_between_hide_nothing(line: bytes, code: CodeFiles) -> None:
    log(code, line, trace("there"))
    assert code.traceback("r1", KEY, 2).strip() == "there"


def test_of_a_long_log_the_end_is_read(code: CodeFiles) -> None:
    log(code, trace("early"), b"x" * MAX_FILE_BYTES, trace("late"))
    assert code.traceback("r1", KEY, 2) == "late"
