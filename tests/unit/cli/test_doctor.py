"""`doctor`: one line for each thing that can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Toque, fill, in_store
from toque.cli import findings
from toque.cli.findings import without_password


def outcomes(toque: Toque) -> dict[str, str]:
    return {finding["name"]: finding["outcome"] for finding in toque("doctor", "--json").json}


def test_a_sound_project_has_nothing_that_fails(toque: Toque, project: Path) -> None:
    answer = toque("doctor")
    assert answer.code == 0, answer.out
    assert set(outcomes(toque)) == set(findings.CHECKS)


def test_the_store_is_looked_at_once_it_is_there(toque: Toque, project: Path) -> None:
    assert "will be made" in toque("doctor").out
    in_store(project, fill)
    assert "last run r3" in toque("doctor").out


def test_broken_settings_are_the_only_finding(toque: Toque, project: Path) -> None:
    (project / "toque.toml").write_text("wrkers = 1\n")
    answer = toque("doctor")
    assert (answer.code, "did you mean 'workers'" in answer.out) == (1, True)


def test_missing_secrets_broken_files_and_missing_interpreters_fail(toque: Toque, project: Path) -> None:
    (project / "toque.toml").write_text(
        '[secrets]\nkey = "env:NOT_SET_ANYWHERE"\n[environments.ml]\npython = "no/such/python"\n'
    )
    (project / "bad.py").write_text("import toque\n1 / 0\n")
    found = outcomes(toque)
    assert {name for name, outcome in found.items() if outcome == "failed"} == {"secrets", "pipelines", "environments"}


def test_a_store_of_another_kind_of_file_fails(toque: Toque, project: Path) -> None:
    (project / ".toque").mkdir()
    (project / ".toque" / "toque.db").write_text("not a database, but long enough to look like a file of its own")
    assert outcomes(toque)["store"] == "failed"


def test_a_check_that_raises_is_a_finding(toque: Toque, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(settings: object) -> findings.Finding:
        raise RuntimeError("oh")

    monkeypatch.setitem(findings.CHECKS, "git", broken)
    assert outcomes(toque)["git"] == "failed"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hush@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("sqlite:////a/b.db", "sqlite:////a/b.db"),
    ],
)
def test_passwords_in_urls_are_not_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown
