"""Connections of a project as its server shows and tries them."""

from __future__ import annotations

from pathlib import Path

import pytest

from toque.errors import NotFound, UserError
from toque.integrations.probes import duckdb
from toque.local.connections import ProjectConnections
from toque.ports.connections import Declared, Option
from toque.settings import load

FILE = """\
name = "shop"

[connections.lake]
type = "duckdb"
path = "lake.duckdb"

[connections.app]
type = "postgresql"
url = "postgresql://ana:hunter2@localhost/app"
password = { secret = "env:APP_PASSWORD" }
since = 2026-01-01
slots = 3

[connections.web]
type = "http"
url = { secret = "file:secrets/web" }
headers = { X-Team = "data", Authorization = "Bearer hunter2" }
token = "hunter2"

[connections.ops]
type = "slack"
url = { secret = "env:SLACK_URL" }

[[notifications]]
to = "ops"
on = ["failure", "late"]

[profiles.prod.connections.extra]
type = "file"
path = "out"
"""


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectConnections:
    monkeypatch.setenv("APP_PASSWORD", "hunter2")
    monkeypatch.delenv("SLACK_URL", raising=False)
    (tmp_path / "toque.toml").write_text(FILE)
    return ProjectConnections(load(tmp_path, "prod"))


def by_name(known: ProjectConnections) -> dict[str, Declared]:
    return {each.name: each for each in known.declared()}


def test_secrets_are_shown_by_where_they_are_and_whether_they_are_there(known: ProjectConnections) -> None:
    found = by_name(known)
    assert found["app"].options == (
        Option(name="url", value="postgresql://ana:***@localhost/app"),
        Option(name="password", secret="env:APP_PASSWORD"),
        Option(name="since", value="2026-01-01"),
    )
    assert found["web"].options == (
        Option(name="url", secret="file:secrets/web", resolves=False),
        Option(name="headers.X-Team", value="data"),
        Option(name="headers.Authorization", secret="written in toque.toml"),
        Option(name="token", secret="written in toque.toml"),
    )
    assert "hunter2" not in repr(found)


def test_each_has_its_line_its_slots_and_what_it_is_told(known: ProjectConnections) -> None:
    found = by_name(known)
    assert {name: each.line for name, each in found.items()} == {"lake": 3, "app": 7, "web": 14, "ops": 20, "extra": 28}
    assert (found["app"].slots, found["lake"].slots) == (3, None)
    assert (found["ops"].told_of, found["lake"].told_of) == (("failure", "late"), ())


def test_what_is_written_meanwhile_counts_and_a_broken_file_is_said(known: ProjectConnections, tmp_path: Path) -> None:
    (tmp_path / "toque.toml").write_text('[profiles.prod]\n[connections.new]\ntype = "file"\npath = "."\n')
    assert list(by_name(known)) == ["new"]
    (tmp_path / "toque.toml").write_text("[connections.new\n")
    with pytest.raises(UserError, match="not valid TOML"):
        known.declared()


def test_a_file_that_is_there_may_be_no_database(tmp_path: Path) -> None:
    (tmp_path / "shop.duckdb").write_bytes(bytes(8) + b"DUCK" + bytes(100))
    assert duckdb({"path": str(tmp_path / "shop.duckdb")}).endswith("shop.duckdb exists")
    (tmp_path / "shop.duckdb").write_text("id,city,amount")
    with pytest.raises(UserError, match=r"shop\.duckdb is no DuckDB database"):
        duckdb({"path": str(tmp_path / "shop.duckdb")})


async def test_one_is_tried_in_a_process_of_its_own_under_the_same_profile(known: ProjectConnections) -> None:
    found = await known.test("extra")
    assert (found.outcome, found.fix) == ("ok", "")
    assert "its directory does" in found.message
    assert found.latency_us > 0


async def test_who_does_not_answer_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / "toque.toml").write_text('[connections.a]\ntype = "file"\npath = "."\n')
    found = await ProjectConnections(load(tmp_path), timeout_s=0.0).test("a")
    assert (found.outcome, found.message) == ("failed", "no answer within 0 seconds")


async def test_what_is_not_declared_is_not_found(known: ProjectConnections) -> None:
    with pytest.raises(NotFound, match="nobody"):
        await known.test("nobody")
