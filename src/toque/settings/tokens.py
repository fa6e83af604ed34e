"""The token of a project, and the file by which other commands find its server.

Both lie in `.toque/`, readable by their owner only: other people may share the machine.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

import msgspec

from toque.errors import UserError

TOKEN = "token"
SERVER = "server.json"
VARIABLE = "TOQUE_TOKEN"


class ServerFile(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server of this project listens."""

    pid: int
    url: str
    instance: str
    started_us: int


def known_token(home: Path) -> str:
    """The token as it was set or made, or ""."""
    given = os.environ.get(VARIABLE, "").strip()
    if given:
        return given
    path = home / TOKEN
    try:
        found = path.read_text().strip()
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            path.chmod(0o600)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise UserError(f"the token {path} cannot be read: {error.strerror}", fix=f"chmod 600 {path}") from error
    return found


def make_token(home: Path, *, anew: bool = False) -> str:
    """The token, made if there is none; `anew`: another one, which ends all sessions at the next start of a server."""
    if not anew and (known := known_token(home)):
        return known
    token = secrets.token_urlsafe(32)
    _write(home / TOKEN, token + "\n")
    return token


def write_server_file(home: Path, server: ServerFile) -> None:
    """Say where this server is."""
    _write(home / SERVER, msgspec.json.encode(server).decode())


def remove_server_file(home: Path, pid: int) -> None:
    """This server is gone; a newer one's file stays."""
    found = find_server(home)
    if found is not None and found.pid == pid:
        (home / SERVER).unlink(missing_ok=True)


def find_server(home: Path) -> ServerFile | None:
    """The server that serves this project on this machine, if its process lives."""
    try:
        found = msgspec.json.decode((home / SERVER).read_bytes(), type=ServerFile)
        os.kill(found.pid, 0)
    except PermissionError:
        return None  # another user's process: the number was given anew
    except (OSError, msgspec.MsgspecError):
        return None
    return found


def _write(path: Path, text: str) -> None:
    """As a whole, and for nobody else to read at any time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w") as file:
        file.write(text)
    temporary.rename(path)
