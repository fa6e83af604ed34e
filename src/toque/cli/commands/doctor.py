"""`toque doctor`: what is wrong with this installation and this project, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from toque.cli.exits import Exit
from toque.cli.findings import CHECKS, Finding
from toque.cli.options import json_option
from toque.cli.output import Output
from toque.errors import ToqueError
from toque.settings import Settings, find_project, load

_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "red")}


@click.command()
@click.option(
    "--project", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".", help="A directory of it."
)
@click.option("--profile", help="Profile of toque.toml.  [default: $TOQUE_PROFILE, or dev]")
@json_option
def doctor(project: Path, profile: str | None, output: Output) -> int:
    """Look at the machine, the settings, the store, the code and the connections. Exits with 1 when something fails."""
    findings = examine(find_project(project), profile)
    output.result(findings, lambda: "\n".join(_line(finding) for finding in findings))
    return Exit.RUN_FAILED if any(finding.outcome == "failed" for finding in findings) else Exit.OK


def examine(project: Path, profile: str | None) -> list[Finding]:
    """All findings; without readable settings only those about them."""
    try:
        settings = load(project, profile)
    except ToqueError as error:
        return [Finding("settings", "failed", str(error))]
    return [_found(name, check, settings) for name, check in CHECKS.items()]


def _found(name: str, check: Callable[[Settings], Finding], settings: Settings) -> Finding:
    try:
        return check(settings)
    except Exception as error:  # a check that fails is a finding, and the others still count
        return Finding(name, "failed", f"{type(error).__name__}: {error}")


def _line(finding: Finding) -> str:
    mark, colour = _MARKS[finding.outcome]
    fix = f"\n    Fix: {finding.fix}" if finding.fix else ""
    return f"{click.style(mark, fg=colour)} {finding.name:<12} {finding.message}{fix}"
