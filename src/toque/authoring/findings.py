"""Findings: what `toque check` reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toque.authoring.sites import Site
from toque.errors import UserError


@dataclass(frozen=True)
class Finding:
    """Something wrong (`error`) or doubtful (`warning`), with where it is and what to write instead."""

    error: UserError
    severity: Literal["error", "warning"] = "error"

    @classmethod
    def at(cls, site: Site, message: str, fix: str = "", severity: Literal["error", "warning"] = "error") -> Finding:
        """A finding about a line."""
        return cls(site.error(message, fix=fix), severity)

    def __str__(self) -> str:
        return str(self.error)
