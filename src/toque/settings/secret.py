"""A secret in the settings: where it is kept, opened only by whoever needs it, never part of a repr."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from toque.errors import UserError

_TELLING = ("password", "passwd", "secret", "token", "api_key", "apikey", "private_key", "access_key", "credential")


class Secret:
    """A value kept in the environment (`env:NAME`), in a file (`file:path`), or, to be kept out of logs, literally.

    It is read at `reveal`, not when the settings are loaded: a server that only plans needs no password, and a
    rotated file is seen by the next attempt. What is held in memory after that is the caller's affair.
    """

    __slots__ = ("_environ", "_kind", "_value")

    def __init__(self, kind: str, value: str, *, environ: Mapping[str, str] | None = None) -> None:
        self._kind = kind
        self._value = value
        self._environ = environ

    @classmethod
    def parse(cls, reference: str, *, project: Path, environ: Mapping[str, str] | None = None) -> Secret:
        """From `env:NAME` or `file:path` (relative to the project). Raises `ValueError` for anything else."""
        kind, found, value = reference.partition(":")
        if not found or kind not in {"env", "file"} or not value:
            raise ValueError('a secret is "env:NAME" or "file:path"')
        if kind == "file":
            value = str(project / value)
        return cls(kind, value, environ=environ)

    def reveal(self) -> str:
        """The secret itself. Raises `UserError` that says where it was looked for."""
        match self._kind:
            case "env":
                environ = os.environ if self._environ is None else self._environ
                if self._value not in environ:
                    raise UserError(
                        f"the environment variable {self._value}, which holds a secret, is not set",
                        fix=f"export {self._value}=…",
                    )
                return environ[self._value]
            case "file":
                try:
                    return Path(self._value).read_text().rstrip("\n")
                except (OSError, UnicodeDecodeError) as error:
                    raise UserError(f"the file of a secret cannot be read: {error}") from error
            case _:
                return self._value

    @property
    def reference(self) -> str:
        """Where it is kept, as it is written: `env:NAME`, `file:path`; "" for one that is written out."""
        return "" if self._kind == "literal" else f"{self._kind}:{self._value}"

    def __repr__(self) -> str:
        return f"Secret({self.reference or '***'})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self._kind, self._value) == (other._kind, other._value)

    def __hash__(self) -> int:
        return hash((self._kind, self._value))


def is_telling(name: str) -> bool:
    """Whether a field of this name holds a secret even when its author did not mark it."""
    lowered = name.lower()
    return any(word in lowered for word in _TELLING)


def unless_telling(line: str) -> str:
    """A line of `toque.toml` as an error may show it: "" where it holds a secret."""
    return "" if is_telling(line.partition("=")[0]) else line
