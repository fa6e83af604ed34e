"""Finding the server of a project: its file in `.toque`, and the token beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from toque.client.transport import Transport
from toque.errors import NotFound
from toque.settings import find_project
from toque.settings.tokens import ServerFile, find_server, known_token

if TYPE_CHECKING:
    from toque.client.session import Client


def running_server(home: Path, *, actor: str = "") -> Transport | None:
    """A connection to the server that serves the project of `home` on this machine, if there is one."""
    found: ServerFile | None = find_server(home)
    token = known_token(home) if found is not None else ""
    return Transport(found.url, token, actor=actor) if found is not None and token else None


def connect(url: str = "", *, token: str = "", project: Path | str = ".", actor: str = "") -> Client:
    """The client of the server at `url` (default: that of the project). The token is read beside the project unless it
    is given, or set as `TOQUE_TOKEN`. Raises `NotFound` when no server runs."""
    from toque.client.session import Client

    home = find_project(Path(project)) / ".toque"
    if url:
        return Client(Transport(url, token or known_token(home), actor=actor))
    transport = running_server(home, actor=actor)
    if transport is None:
        raise NotFound(f"no server of {home.parent} runs here", fix="toque server")
    return Client(transport)
