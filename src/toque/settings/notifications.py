"""Who is told of what: the `[[notifications]]` of `toque.toml`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from toque.errors import UserError
from toque.settings.tree import Connection, Notification, Section, nearest

Events = Literal["failure", "recovery", "late", "quarantine"]


class NotificationTable(Section, frozen=True, kw_only=True):
    """As it is written."""

    to: str = ""
    on: tuple[Events, ...] = ("failure", "recovery", "late")
    pipelines: tuple[str, ...] = ()


def notification(
    written: NotificationTable, connections: Mapping[str, Connection], error: Callable[[str, str], UserError]
) -> Notification:
    """`to` is the name of a connection, or `type:name`, which is checked. Raises what `error(message, fix)` makes."""
    kind, colon, name = written.to.rpartition(":")
    if not written.to:
        raise error("a notification says nobody to tell", 'to = "ops", the name of a connection')
    if name not in connections:
        meant = nearest(name, connections)
        fix = f"did you mean {meant!r}?" if meant else f'add [connections.{name}] with type = "{kind or "slack"}"'
        raise error(f"notifications: no connection is named {name!r}", fix)
    if colon and connections[name].type != kind:
        raise error(
            f"notifications: connection {name!r} is of type {connections[name].type!r}, not {kind!r}",
            f'to = "{connections[name].type}:{name}"',
        )
    return Notification(to=name, on=written.on, pipelines=written.pipelines)


def tables(data: Any) -> list[dict[str, Any]]:
    """`[notifications]` (one) and `[[notifications]]` (any number) alike."""
    return [data] if isinstance(data, dict) else list(data)
