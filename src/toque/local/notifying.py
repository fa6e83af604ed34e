"""Notifying: the connections of the settings as those who are told, and a message that tries one of them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

from toque.errors import UserError
from toque.ports.notifier import Message, Notifier
from toque.runtime.alerts import Route
from toque.runtime.outgoing import Alerting
from toque.settings import Settings
from toque.worker.masking import Masker


def alerting(settings: Settings) -> Alerting:
    """Who is told by the lines of `toque.toml`, and how; a pipeline may name more."""
    return Alerting(
        routes=tuple(Route(to=each.to, on=each.on, pipelines=each.pipelines) for each in settings.notifications),
        notifier=lambda name: notifier_of(settings, name),
        mask=_mask(settings),
        ui_url=settings.ui_url,
    )


def notifier_of(settings: Settings, name: str) -> Notifier:
    """The notifier of a connection, its secrets opened now: a rotated one is seen. Raises `UserError`."""
    from toque.notify import open_notifier  # most runs tell nobody

    connection = settings.connection(name)
    return open_notifier(connection.type, connection.revealed())


def send_test(settings: Settings, name: str) -> None:
    """Send a message that says so. Raises `UserError`, `NotSent`."""
    message = Message(
        kind="test",
        dedup=f"test/{uuid.uuid4()}",
        title=f"{settings.name}: a test of the connection {name}",
        note="Sent by `toque notify test`. Nothing has failed.",
        link=settings.ui_url,
    )
    asyncio.run(notifier_of(settings, name).send(message))


def _mask(settings: Settings) -> Callable[[str], str]:
    """Opens the secrets when the first message is made; one that cannot be opened hides nothing."""
    masker: list[Masker] = []

    def mask(text: str) -> str:
        if not masker:
            masker.append(Masker(_opened(settings)))
        return masker[0].mask(text)

    return mask


def _opened(settings: Settings) -> list[str]:
    found = [
        url for each in settings.connections.values() if isinstance(url := each.options.get("url"), str) and "@" in url
    ]
    for secret in settings.all_secrets():
        try:
            found.append(secret.reveal())
        except UserError:
            continue
    return found
