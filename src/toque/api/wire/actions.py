"""What people ask of runs, and what that will touch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from toque.api.wire.model import Text, Wire


class RunAction(Wire):
    """Cancel, suspend, resume, retry, rerun or mark."""

    task: Text = ""
    """One task run, with `index`."""
    index: str = Field(default="", pattern=r"^([0-9]{1,9}(\.[0-9]{1,9})*)?$")
    """`3.1`; "" outside of maps."""
    tasks: list[Text] = []
    """Rerun: from these on."""
    state: Literal["", "succeeded", "failed", "skipped"] = ""
    """Mark: the outcome to declare."""
    reason: Text = ""
    new_code: bool = False
    """Rerun: with the pipeline's current version."""
    preview: bool = False
    """Change nothing, say what would be touched."""


class Effect(Wire):
    """What would happen to one task run (or node)."""

    task: str
    index: list[int]
    what: str


class ActionPreview(Wire):
    """What an action would touch."""

    effects: list[Effect]
    """At most 500."""
    summary: str
