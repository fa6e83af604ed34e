"""What an executor asks a worker about the files of a bundle, and the answers."""

from __future__ import annotations

from typing import Any

import msgspec

from toque.errors import UserError


class ParametersWanted(msgspec.Struct, frozen=True, array_like=True):
    """Check the parameters of a run."""

    root: str
    file: str
    pipeline: str
    parameters: dict[str, Any]
    """As given: strings of a command line, JSON of an API."""


class Failure(msgspec.Struct, frozen=True, array_like=True):
    """A `UserError` on its way."""

    message: str
    file: str = ""
    line: int = 0
    source: str = ""
    fix: str = ""

    def error(self) -> UserError:
        """To raise or print."""
        return UserError(self.message, file=self.file, line=self.line, source=self.source, fix=self.fix)


class Validated(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters in tagged JSON, defaults filled in; or what is wrong with them."""

    parameters: dict[str, Any] = {}
    failure: Failure | None = None
