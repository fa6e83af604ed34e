"""The sandbox as a process: it tells its address, and a `kill -9` takes nothing from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.salesforce.login import CLIENT, SECRET
from tests.examples.conftest import ROOT
from toque.integrations.salesforce.client import SalesforceClient


@contextmanager
def process(state: Path) -> Iterator[SalesforceClient]:
    command = [sys.executable, "-m", "sandbox.salesforce", "--state", str(state)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "examples" / "revops")}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None
        told = json.loads(sandbox.stdout.readline())
        options = {"url": told["url"], "ca_file": told["authority"], "client_id": CLIENT, "client_secret": SECRET}
        try:
            with SalesforceClient(options) as client:
                yield client
        finally:
            sandbox.kill()


def test_what_was_written_is_there_after_a_kill(tmp_path: Path) -> None:
    state = tmp_path / "crm.db"
    with process(state) as client:
        made = client.json("POST", "sobjects/Contact", json={"LastName": "Ada"})["id"]
    with process(state) as client:
        assert client.json("GET", f"sobjects/Contact/{made}")["LastName"] == "Ada"
