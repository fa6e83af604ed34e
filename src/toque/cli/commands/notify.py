"""`toque notify`: try who is told."""

from __future__ import annotations

import click

from toque.cli.exits import Exit
from toque.cli.options import json_option, project_options
from toque.cli.output import Output
from toque.errors import NotFound
from toque.ports.notifier import NotSent
from toque.settings import Settings


@click.group()
def notify() -> None:
    """Try the connections that are told of failures."""


@notify.command("test")
@click.argument("name")
@project_options
@json_option
def test_notifier(name: str, settings: Settings, output: Output) -> int:
    """Send a test message to the connection NAME."""
    from toque.local.notifying import send_test

    if name not in settings.connections:
        known = ", ".join(sorted(settings.connections)) or "none"
        raise NotFound(f"there is no connection {name!r}", fix=f"declared are: {known}")
    try:
        send_test(settings, name)
    except NotSent as problem:
        why = str(problem)
        output.result({"name": name, "sent": False, "message": why}, lambda: f"not sent: {why}")
        return Exit.RUN_FAILED
    output.result({"name": name, "sent": True, "message": ""}, lambda: f"sent a test message to {name}")
    return Exit.OK
