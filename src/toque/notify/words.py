"""The words of a message, shared by whatever carries them."""

from __future__ import annotations

from datetime import UTC, datetime
from textwrap import indent
from typing import Final

from toque import durations
from toque.ports.notifier import FailedCheck, Message

ONCE_MENDED: Final = "Once the cause is gone, this does the rest:"


def details(message: Message) -> list[tuple[str, str]]:
    """Labels and values, those that are known."""
    at = datetime.fromtimestamp(message.at_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if message.at_us else ""
    lasted = durations.text(round(message.duration_us / 1e6, 1)) if message.duration_us else ""
    found = [
        ("Pipeline", message.pipeline),
        ("Run", message.run_id),
        ("Task", message.task),
        ("Owner", message.owner),
        ("Trigger", message.trigger),
        ("At", at),
        ("Ran for", lasted),
    ]
    return [(label, value) for label, value in found if value]


def error(message: Message) -> str:
    """What went wrong: the checks that did not hold, else the error with the user's own frames. "" for nothing."""
    if message.checks:
        # Checks of Toque say all of it in their error, and what became of the rows; dbt says no more than a number.
        is_told = all(check.said and check.said in message.error for check in message.checks)
        return message.error if is_told else "\n".join(map(_check, message.checks))
    kind = message.error_type
    kind = kind.rpartition(".")[2] if kind.startswith("toque.") else kind
    said = ": ".join(part for part in (kind, message.error) if part)
    return "\n".join([said, *(f"  at {frame}" for frame in message.frames)]) if said else ""


def rows(message: Message) -> str:
    """Rows that are wrong, a line each."""
    return "\n".join(message.sample)


def log(message: Message) -> str:
    """The last lines of the log; "" where checks say what is wrong."""
    return "" if message.checks else "\n".join(message.log)


def _check(check: FailedCheck) -> str:
    slice_ = f"{check.asset}[{check.partition}]" if check.partition else check.asset
    return f"{slice_}, {check.check}: {check.said or f'{check.failed_rows:,} wrong'}"


def plain(message: Message) -> str:
    """All of it as text."""
    parts = [message.title, "\n".join(f"{label}: {value}" for label, value in details(message))]
    if error(message):
        parts.append(error(message))
    if message.sample:
        parts.append("Rows that are wrong:\n" + indent(rows(message), "  "))
    if log(message):
        parts.append("Last lines of its log:\n" + indent(log(message), "  "))
    parts += [f"{ONCE_MENDED} {message.replay}" if message.replay else "", message.note, message.link]
    return "\n\n".join(part for part in parts if part)
