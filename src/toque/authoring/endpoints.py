"""Endpoints: what stands behind a connection, as authors name it: `crm.changes("Contact")`, `app.table("raw.contact")`.

An endpoint opens nothing. It says by which method of the opened connection a worker gets at it, and its key is that of
an asset: `<connection>.<path>`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from toque.authoring import sites
from toque.authoring.asset_keys import is_key
from toque.authoring.supplies import Connection


class Endpoint:
    """Something behind a connection. `way` names the methods of the opened connection that get at it."""

    is_observed = True
    """What reads it neither waits for what writes it nor is stale after that; see `AssetDependency`."""

    def __init__(self, connection: Connection, path: str, way: str, options: Mapping[str, Any] | None = None) -> None:
        if not is_key(path):
            raise sites.refuse(
                f"{path!r} cannot be part of the key of an asset.", fix='names joined by dots: "raw.contact"'
            )
        self.connection = connection
        self.path = path
        self.way = way
        self.given = dict(options or {})

    @property
    def key(self) -> str:
        """Of the asset: `warehouse.raw.contact`."""
        return f"{self.connection.name}.{self.path}"

    def constant(self) -> dict[str, Any]:
        """As an argument of a node; `toque.integrations.connections.opening` opens it."""
        return {"key": self.key, "path": self.path, "way": self.way, "options": self.given}

    def __repr__(self) -> str:
        return f"<{self.way} {self.key}>"


class Rows(Endpoint):
    """Rows that a load can read."""


class Records(Endpoint):
    """Records that a sync can write."""


class Table(Rows, Records):
    """A table of a database: loads write and read it, syncs read it, and write it where the database is another."""

    is_observed = False


def slug(text: str) -> str:
    """A path of an asset made of any text: `orders/*.csv` is `orders_csv`."""
    found = re.sub(r"\W+", "_", text).strip("_")
    return found if found and not found[0].isdigit() else f"_{found}"
