"""Runs, as the author of a test sees them: what `pipeline.run()` gives back."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from toque.errors import ToqueBug

if TYPE_CHECKING:
    from toque.authoring.producers import Producer
    from toque.authoring.tasks import Task

R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")


class TaskRun(Protocol[R_co]):
    """One task of a run; for a mapped task, all of its indexes."""

    @property
    def state(self) -> str: ...
    @property
    def result(self) -> R_co: ...


class Run(Protocol[R_co]):
    """A run that has ended."""

    @property
    def state(self) -> str: ...
    @property
    def result(self) -> R_co: ...
    @overload
    def __getitem__(self, task: Task[..., T]) -> TaskRun[T]: ...
    @overload
    def __getitem__(self, task: str | Producer) -> TaskRun[Any]: ...


def run(runnable: Any, params: Mapping[str, Any]) -> Run[Any]:
    """Run a pipeline or flow in this process. The composition root stands above this layer, hence by name."""
    try:
        local = importlib.import_module("toque.local")
    except ModuleNotFoundError as error:
        if error.name != "toque.local":
            raise
        raise ToqueBug("toque.local is missing: this installation of Toque is incomplete") from None
    found: Run[Any] = local.run_pipeline(runnable, dict(params))
    return found
