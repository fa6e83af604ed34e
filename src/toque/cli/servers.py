"""How commands reach the running server of a project, if there is one; else they work on its store as before.

What a command answers says which: `"via": "server"` or `"via": "store"`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from toque.cli.exits import Exit
from toque.cli.options import who
from toque.client.connecting import running_server
from toque.client.transport import Refused, ServerGone, Transport
from toque.errors import NotFound, UserError
from toque.settings import Settings


@contextmanager
def server_of(settings: Settings) -> Iterator[Transport | None]:
    """A connection to the server, or None. Refusals become errors with the exit code of their kind."""
    transport = running_server(settings.home, actor=who())
    if transport is not None and not _answers(transport):
        transport = None
    try:
        yield transport
    except Refused as refused:
        kind = NotFound if refused.status == 404 else UserError
        raise kind(refused.message, fix=refused.fix) from refused
    finally:
        if transport is not None:
            transport.close()


def _answers(transport: Transport) -> bool:
    """A server that was killed leaves its file, and its number may be another process's by now."""
    try:
        transport.get("session")
    except ServerGone:
        return False
    except Refused:
        return False  # not this project's: another token
    return True


def exit_of(state: str) -> Exit:
    """The exit code of a command that waited for a run."""
    return Exit.OK if state == "succeeded" else Exit.RUN_FAILED
