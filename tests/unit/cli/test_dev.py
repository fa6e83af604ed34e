"""`toque dev`: what the terminal says beside the page."""

from __future__ import annotations

import click
import pytest

from toque.cli.commands.dev import Terminal


def test_a_run_that_failed_says_why_below_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal("shop")
    terminal.run("r1", "orders", "started", 0, "")
    terminal.run("r1", "orders", "failed", 120_000, "KeyError: 'gold'")
    started, failed, why = click.unstyle(capsys.readouterr().out).splitlines()
    assert started.split()[1:] == ["orders", "r1", "started"]
    assert failed.endswith("orders r1 failed in 120 ms")
    assert why == "         KeyError: 'gold'"
