"""The words of a message, shared by whatever carries them."""

from __future__ import annotations

from datetime import UTC, datetime

from toque import durations
from toque.ports.notifier import Message


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
    """The error in one paragraph; "" when there was none."""
    return ": ".join(part for part in (message.error_type, message.error) if part)


def plain(message: Message) -> str:
    """All of it as text."""
    parts = [message.title, "\n".join(f"{label}: {value}" for label, value in details(message))]
    if error(message):
        parts.append(error(message))
    if message.sample:
        parts.append("Rows that are wrong:\n" + "\n".join(f"  {row}" for row in message.sample))
    if message.log:
        parts.append("Last lines of its log:\n" + "\n".join(f"  {line}" for line in message.log))
    parts += [message.note, message.link]
    return "\n\n".join(part for part in parts if part)
