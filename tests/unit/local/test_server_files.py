"""The token and the server's file: for their owner only, found by commands, never in the way of another server."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from toque.errors import UserError
from toque.local.web import WebOptions, bind
from toque.settings import tokens
from toque.settings.tokens import ServerFile


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(tokens.VARIABLE, raising=False)
    return tmp_path / ".toque"


def server(pid: int = 0) -> ServerFile:
    return ServerFile(pid=pid or os.getpid(), url="http://127.0.0.1:1", instance="server-1", started_us=1)


def test_a_token_is_made_once_and_kept(home: Path) -> None:
    assert tokens.known_token(home) == ""
    first = tokens.make_token(home)
    assert len(first) >= 40
    assert tokens.make_token(home) == first == tokens.known_token(home)
    assert tokens.make_token(home, anew=True) != first


def test_nobody_else_reads_it_even_if_it_was_written_carelessly(home: Path) -> None:
    tokens.make_token(home)
    path = home / "token"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    tokens.known_token(home)
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_environment_sets_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tokens.VARIABLE, " given ")
    assert tokens.known_token(home) == tokens.make_token(home) == "given"
    assert not (home / "token").exists()


def test_a_server_is_found_while_its_process_lives(home: Path) -> None:
    assert tokens.find_server(home) is None
    tokens.write_server_file(home, server())
    assert tokens.find_server(home) == server()
    tokens.write_server_file(home, server(pid=2**22 - 3))
    assert tokens.find_server(home) is None


def test_a_damaged_file_is_no_server(home: Path) -> None:
    tokens.write_server_file(home, server())
    (home / "server.json").write_text("{")
    assert tokens.find_server(home) is None


def test_only_the_own_file_is_removed(home: Path) -> None:
    tokens.write_server_file(home, server())
    tokens.remove_server_file(home, os.getpid() + 1)
    assert tokens.find_server(home) is not None
    tokens.remove_server_file(home, os.getpid())
    assert not (home / "server.json").exists()


def test_a_port_that_nobody_asked_for_gives_way() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with bind(WebOptions(port=port), token_is_known=False) as found:
            assert found.getsockname()[1] != port


def test_a_port_that_was_asked_for_does_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"cannot listen on 127.0.0.1:{port}"):
            bind(WebOptions(port=port, port_is_given=True), token_is_known=True)


def test_accepted_connections_answer_at_once() -> None:
    """asyncio looks at the protocol to decide whether it may set TCP_NODELAY."""
    with bind(WebOptions(port=0), token_is_known=True) as found:
        assert found.proto == socket.IPPROTO_TCP


def test_an_address_that_is_none_of_this_machine_is_said() -> None:
    with pytest.raises(UserError, match="cannot listen"):
        bind(WebOptions(host="192.0.2.1", port=0, port_is_given=True), token_is_known=True)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "some.example"])
def test_others_are_only_let_in_with_a_token_that_somebody_knows(host: str) -> None:
    with pytest.raises(UserError, match="other machines") as refused:
        bind(WebOptions(host=host, port=0), token_is_known=False)
    assert "toque token" in refused.value.fix


def test_who_knows_the_token_may_listen_for_others() -> None:
    with bind(WebOptions(host="0.0.0.0", port=0), token_is_known=True) as found:
        assert found.getsockname()[0] == "0.0.0.0"
