"""A build as a value: what the node that runs dbt is told by the graph."""

from __future__ import annotations

from typing import Any

import msgspec

from toque.integrations.dbt.parsing import Question


class Settings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the author of a project says of it."""

    path: str
    """Of the dbt project, relative to the project of Toque."""
    connection: str
    manifest: str = ""
    """One that somebody else makes; "" has Toque make it."""
    schema: str = ""
    threads: int = 4
    vars: dict[str, Any] = {}
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    indirect_selection: str = ""
    profile: str = ""
    target: str = ""
    full_refresh: bool = False
    docs: bool = False
    retry_model_of_failed_test: bool = False

    def question(self) -> Question:
        """What decides what the project comes to."""
        return Question(
            vars=self.vars,
            select=self.select,
            exclude=self.exclude,
            indirect_selection=self.indirect_selection,
            profile=self.profile,
            target=self.target,
        )


class Member(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One entry of the project in this build."""

    unique_id: str
    node: str
    """Id of its node."""
    asset: str = ""
    """That it makes, or that it is a test of."""


class Build(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One dbt process: part of a project, or all of it."""

    settings: Settings
    members: tuple[Member, ...]
    is_cut: bool = False
    """Its assets have partitions: a run is of one of them."""
