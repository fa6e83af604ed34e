"""What trying a connection says when it fails: in words, whatever a client wrapped them in."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from toque.errors import TransientError, UserError
from toque.local.probing import tried
from toque.settings import Connection, Secret


def raising(error: BaseException, cause: BaseException | None = None) -> Callable[[object], str]:
    def probe(options: object) -> str:
        try:
            raise cause or error
        except type(cause or error):
            raise error  # noqa: B904 - as clients do: the cause is the context

    return probe


@pytest.mark.parametrize(
    ("error", "cause", "message", "fix"),
    [
        (
            TransientError("HTTPSConnectionPool(host='crm', port=44380): Max retries exceeded"),
            ConnectionRefusedError(111, "Connection refused"),
            "crm.example:44380 cannot be reached: Connection refused",
            "is it running, and is this the right address?",
        ),
        (
            RuntimeError("pages of words"),
            socket.gaierror(-2, "Name or service not known"),
            "crm.example:44380 cannot be reached: Name or service not known",
            "is it running, and is this the right address?",
        ),
        (TransientError("busy\nfor long"), None, "busy", ""),
        (UserError("refused: hunter2", fix="log in"), None, "refused: ***", "log in"),
        (ValueError("no"), None, "ValueError: no", ""),
    ],
)
def test_a_failure_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, cause: BaseException | None, message: str, fix: str
) -> None:
    monkeypatch.setenv("CRM_PASSWORD", "hunter2")
    monkeypatch.setattr("toque.local.probing.probe_for", lambda kind: raising(error, cause))
    options = {"url": "https://crm.example:44380/x", "password": Secret("env", "CRM_PASSWORD")}
    trial = tried(Connection(name="crm", type="salesforce", options=options))
    assert (trial.outcome, trial.message, trial.fix) == ("failed", message, fix)
