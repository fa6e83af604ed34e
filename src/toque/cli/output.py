"""What commands print: text for people, or one JSON document with `--json`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from toque.errors import UserError

STATE_COLOURS = {
    "succeeded": "green",
    "failed": "red",
    "upstream_failed": "red",
    "cancelled": "yellow",
    "skipped": "bright_black",
    "running": "cyan",
    "retrying": "yellow",
    "deferred": "magenta",
    "suspended": "magenta",
}
"""How states look in a terminal. Colour is never the only sign: the word always stands beside it."""


class Output:
    """Prints a result in the form that was asked for."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def result(self, data: Any, text: Callable[[], str]) -> None:
        """`data` as JSON, or `text()`, made only when it is wanted."""
        if self.as_json:
            click.echo(dump(data))
        else:
            shown = text()
            if shown:
                click.echo(shown)

    def say(self, text: str) -> None:
        """A remark to a person: not part of the JSON."""
        if not self.as_json:
            click.echo(text)


def dump(data: Any) -> str:
    """Indented JSON; structs of the engine are written by their fields, everything else by its `str`."""
    import msgspec

    return msgspec.json.format(msgspec.json.encode(data, enc_hook=str), indent=2).decode()


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Aligned columns. States are coloured."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max([len(heading), *(len(row[i]) for row in cells)]) for i, heading in enumerate(headings)]
    lines = [click.style(_line(headings, widths), bold=True)]
    for row in cells:
        padded = [cell.ljust(width) for cell, width in zip(row[:-1], widths[:-1], strict=True)]
        lines.append("  ".join(state(cell) for cell in (*padded, row[-1])).rstrip())
    return "\n".join(lines)


def plain(word: str) -> str:
    """A state as people say it."""
    return word.replace("_", " ")


def state(word: str) -> str:
    """A state in its colour; any other word as it is. Padding is kept."""
    colour = STATE_COLOURS.get(word.strip().replace(" ", "_"))
    return click.style(word, fg=colour) if colour else word


def report_error(
    message: str, code: int, as_json: bool, *, error: BaseException | None = None, usage: str = ""
) -> None:
    """To standard error; with `--json`, as a document on standard output as well."""
    if as_json:
        fields: dict[str, Any] = {"message": message, "exit_code": int(code)}
        if isinstance(error, UserError):
            fields |= {"message": error.message, "file": error.file, "line": error.line, "fix": error.fix}
        click.echo(dump({"error": fields}))
        return
    if usage:
        click.echo(usage, err=True)
    click.echo(_coloured(message) if sys.stderr.isatty() else message, err=True)


def _coloured(message: str) -> str:
    first, newline, rest = message.partition("\n")
    return click.style(first, fg="red", bold=True) + newline + rest


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
