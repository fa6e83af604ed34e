"""The systems of the RevOps example, and its pipeline with its processes killed. What it does undisturbed, and what
the browser shows of that: `tests/browser/test_revops.py`."""

from __future__ import annotations

import dataclasses
import random
import socket
import time
from pathlib import Path

import pytest

from sandbox import keeper
from sandbox.product import Product
from tests.chaos.revops import Disturbance, differences, project

pytestmark = pytest.mark.alone


@pytest.mark.heavy  # a short form of what `make chaos` does
def test_whatever_is_killed_the_tables_and_the_crm_are_as_after_an_undisturbed_run(tmp_path: Path) -> None:
    chaos = Disturbance(random.Random("gate"))
    with project(tmp_path / "quiet") as quiet:
        began_s = time.monotonic()
        chaos.run(quiet, 0)
        chaos.usual_s, left = 0.6 * (time.monotonic() - began_s), quiet.left()
    with project(tmp_path / "revops") as disturbed:
        assert chaos.run(disturbed, 2) > 0
        assert chaos.failures == []
        assert differences(disturbed.left(), left) == []


def test_the_systems_end_when_they_are_told_to(tmp_path: Path) -> None:
    folder = tmp_path / "sandbox"
    systems = keeper.ensure(folder, keeper.ANY)
    try:
        assert keeper.ensure(folder, keeper.ANY) == systems == keeper.running(folder)
    finally:
        assert keeper.stop(folder)
    assert keeper.running(folder) is None
    assert not keeper.stop(folder)
    Product(folder, 0).forget()
    with pytest.raises(keeper.NotStarted, match="the product's data are gone, and the CRM's are not"):
        keeper.ensure(folder, keeper.ANY)
    keeper.forget(folder)
    assert not folder.exists()


@pytest.mark.parametrize("name", ["crm", "product", "slack"])
def test_a_port_that_is_taken_is_named(tmp_path: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = dataclasses.replace(keeper.ANY, **{name: port})
        with pytest.raises(keeper.NotStarted, match=rf"port {port}: .* REVOPS_{name.upper()}_PORT names another one"):
            keeper.ensure(tmp_path / "sandbox", ports)
