"""Addresses, queries and answers of the client; how it finds the server of a project."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.client import Transport, connect, running_server
from toque.client.transport import PREFIX, _refused, _target
from toque.errors import NotFound, UserError
from toque.settings import tokens
from toque.settings.tokens import (
    ServerFile,
    find_server,
    known_token,
    make_token,
    remove_server_file,
    write_server_file,
)

NO_PROCESS = 2**22 + 1
"""Above the highest process id of Linux."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a project without a server."""
    monkeypatch.delenv(tokens.VARIABLE, raising=False)
    (tmp_path / "toque.toml").write_text("")
    return tmp_path / ".toque"


def server(pid: int | None = None, url: str = "http://127.0.0.1:9000") -> ServerFile:
    return ServerFile(pid=os.getpid() if pid is None else pid, url=url, instance="me", started_us=1)


# -- addresses


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        (["runs"], None, "/runs"),
        (["runs", "r1", "task"], {"task": "a", "index": ""}, "/runs/r1/task?task=a"),
        (["schedules", "p/daily", "pause"], None, "/schedules/p%2Fdaily/pause"),
        (["pipelines", "a b?c#d%"], None, "/pipelines/a%20b%3Fc%23d%25"),
        (["pipelines", "ü"], {}, "/pipelines/%C3%BC"),
        (["pipelines", ".."], None, "/pipelines/.."),
        (["runs"], {"state": ["failed", "running"]}, "/runs?state=failed&state=running"),
        (["runs"], {"state": []}, "/runs"),
        (["runs"], {"limit": 0, "search": "a&b=c"}, "/runs?limit=0&search=a%26b%3Dc"),
        (["runs"], {"paused": True, "broken": False, "cursor": None}, "/runs?paused=true&broken=false"),
    ],
)
def test_parts_of_an_address_are_quoted(path: list[str], query: Mapping[str, object] | None, target: str) -> None:
    assert _target(path, query) == PREFIX + target


@given(st.text(), st.text())
def test_no_name_leads_to_another_operation(name: str, value: str) -> None:
    try:
        target = _target(["runs", name], {"search": value})
    except UnicodeEncodeError:
        return  # half of a character: no name has that
    path, _, query = target.partition("?")
    assert path.count("/") == PREFIX.count("/") + 2
    assert "#" not in target
    assert query.count("=") <= 1
    assert target.isascii()


@pytest.mark.parametrize("url", ["", "127.0.0.1:8787", "ftp://host", "http://", "file:///etc/passwd", "localhost"])
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(UserError, match="no address of a server") as refused:
        Transport(url, "token")
    assert refused.value.fix == "http://127.0.0.1:8787"


@pytest.mark.parametrize(("actor", "header"), [("ada", "ada"), ("Ada Lovelaçe", "Ada Lovela?e"), ("", None)])
def test_an_actor_is_sent_as_a_header_can_hold_it(actor: str, header: str | None) -> None:
    assert Transport("http://host", "t", actor=actor)._headers.get("X-Toque-Actor") == header


# -- refusals


@pytest.mark.parametrize(
    ("data", "message", "fix", "errors"),
    [
        ({"detail": "no", "fix": "do", "title": "T"}, "no", "do", []),
        ({"title": "Not found", "detail": ""}, "Not found", "", []),
        ({}, "", "", []),
        ({"detail": "x", "errors": [{"field": "a", "message": "b"}]}, "x", "", [{"field": "a", "message": "b"}]),
    ],
)
def test_a_problem_is_told_in_the_words_of_the_server(
    data: dict[str, Any], message: str, fix: str, errors: list[dict[str, str]]
) -> None:
    refused = _refused(404, msgspec.json.encode(data))
    assert (refused.message, refused.fix, refused.errors, refused.status) == (message, fix, errors, 404)


@pytest.mark.parametrize("data", [b"", b"<html>502 Bad Gateway</html>", b"[1]", b'"text"', b"\xff"])
def test_an_answer_of_somebody_else_on_the_way_is_no_problem_document(data: bytes) -> None:
    refused = _refused(502, data)
    assert (refused.message, refused.status) == ("the server answered 502", 502)


# -- finding the server


def test_without_a_server_there_is_nobody_to_connect_to(home: Path) -> None:
    make_token(home)
    assert running_server(home) is None
    with pytest.raises(NotFound, match="no server of") as missing:
        connect(project=home.parent)
    assert missing.value.fix == "toque server"


def test_the_server_of_a_project_is_found_with_its_token(home: Path) -> None:
    token = make_token(home)
    write_server_file(home, server())
    transport = running_server(home, actor="ada")
    assert transport is not None
    assert transport.url == "http://127.0.0.1:9000"
    assert transport._headers["Authorization"] == f"Bearer {token}"
    assert connect(project=home.parent).transport.url == transport.url


def test_a_server_without_a_token_that_we_know_is_not_asked(home: Path) -> None:
    write_server_file(home, server())
    assert running_server(home) is None


def test_a_server_that_died_is_not_found(home: Path) -> None:
    make_token(home)
    write_server_file(home, server(NO_PROCESS))
    assert find_server(home) is None
    assert running_server(home) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1}'])
def test_a_damaged_file_is_no_server(home: Path, text: str) -> None:
    home.mkdir()
    (home / "server.json").write_text(text)
    assert find_server(home) is None


def test_a_given_address_needs_no_server_here(home: Path) -> None:
    client = connect("http://other:1234/", token="theirs", project=home.parent)
    assert client.transport.url == "http://other:1234"
    assert client.transport._headers["Authorization"] == "Bearer theirs"


def test_the_environment_names_the_token(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_token(home)
    monkeypatch.setenv(tokens.VARIABLE, " from outside ")
    assert known_token(home) == "from outside"
    client = connect("http://other:1234", project=home.parent)
    assert client.transport._headers["Authorization"] == "Bearer from outside"


def test_only_the_owner_reads_the_token_and_the_file_of_the_server(home: Path) -> None:
    make_token(home)
    write_server_file(home, server())
    for name in ("token", "server.json"):
        assert (home / name).stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in home.iterdir()) == ["server.json", "token"]


def test_a_token_that_others_could_read_is_closed(home: Path) -> None:
    token = make_token(home)
    (home / "token").chmod(0o644)
    assert known_token(home) == token
    assert (home / "token").stat().st_mode & 0o077 == 0


def test_a_token_is_made_once_and_anew_only_when_asked_for(home: Path) -> None:
    first = make_token(home)
    assert make_token(home) == first
    second = make_token(home, anew=True)
    assert second != first
    assert known_token(home) == second


def test_the_file_of_a_newer_server_stays(home: Path) -> None:
    write_server_file(home, server())
    remove_server_file(home, os.getpid() + 1)
    assert find_server(home) is not None
    remove_server_file(home, os.getpid())
    assert find_server(home) is None
    remove_server_file(home, os.getpid())
