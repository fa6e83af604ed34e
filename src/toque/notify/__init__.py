"""Notifiers: messages to Slack, by e-mail and to webhooks; one module for each, chosen by the type of a connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from toque.errors import UserError
from toque.notify.mail import MailNotifier
from toque.notify.slack import SlackNotifier
from toque.notify.webhook import WebhookNotifier
from toque.ports.notifier import Notifier

_TYPES: dict[str, Callable[[Mapping[str, Any]], Notifier]] = {
    "slack": SlackNotifier,
    "smtp": MailNotifier,
    "webhook": WebhookNotifier,
}
TYPES = tuple(_TYPES)


def open_notifier(kind: str, options: Mapping[str, Any]) -> Notifier:
    """The notifier of a connection of type `kind`, with its opened options. Raises `UserError`."""
    if kind not in _TYPES:
        raise UserError(f"a connection of type {kind!r} cannot be told anything", fix=f"one of {', '.join(TYPES)}")
    return _TYPES[kind](options)
