"""What else the inbox holds, beside the inputs of run machines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from toque.engine.inputs import AnyInput
from toque.engine.rows import RunRow, TaskRow
from toque.graph.ir import Pipeline
from toque.ports.executor import BundleRef
from toque.ports.store import StoredRun


@dataclass(frozen=True)
class Launch:
    """A new run, owned by this instance from its first row."""

    row: RunRow
    pipeline: Pipeline
    bundle: BundleRef
    reuse: list[TaskRow] = field(default_factory=list)


@dataclass(frozen=True)
class Adopt:
    """A run from the store that this instance now owns."""

    stored: StoredRun
    pipeline: Pipeline
    bundle: BundleRef
    reuse: list[TaskRow] = field(default_factory=list)
    """Of a rerun that has not started yet: the rows of its origin."""


@dataclass(frozen=True)
class Ordered:
    """An input that a person asked for through the store; `command` is done with the commit."""

    input: AnyInput
    command: int


@dataclass(frozen=True)
class SlotsUsed:
    """What the store says about pools in which other processes held slots: all that is held, by pool."""

    pools: dict[str, int]


Message: TypeAlias = AnyInput | Launch | Adopt | Ordered | SlotsUsed
