"""External assets: data that something else makes, that a pipeline reads, and that is looked at on a schedule."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias, TypedDict, Unpack

import msgspec

from toque.authoring import sites
from toque.authoring.assets import Source, checked_options
from toque.authoring.cutting import Partitions
from toque.authoring.endpoints import Rows, slug
from toque.authoring.freshness import Fresh
from toque.authoring.moves import PATIENT
from toque.authoring.options import task_policy
from toque.authoring.pipelines import Pipeline
from toque.authoring.references import code_ref, is_async
from toque.authoring.schedules import Scheduled
from toque.authoring.trace import current
from toque.authoring.wiring import Marker
from toque.graph import constants
from toque.graph.expr import Const
from toque.graph.freshness import AnomalyPolicy
from toque.graph.ir import Inject, Meta, PoolClaim
from toque.graph.observing import LOOK, LOOK_IN_SQL
from toque.worker.slices import IOManager

Observing: TypeAlias = Callable[..., Mapping[str, Any]] | Rows
"""A function that returns some of `version`, `rows` and `updated_at`; or a table, or a query of one row, that has them
as columns."""


class ExternalOptions(TypedDict, total=False):
    """What is said of data that something else makes."""

    io: IOManager
    """How its values are kept, for what reads them."""
    partitions: Partitions
    """How it is cut."""
    group: str
    """What it is shown with."""
    owner: str
    """Who is asked when it is late or wrong."""
    doc: str
    """What people read about it."""
    tags: Sequence[str]
    """Words to find it by."""
    freshness: Fresh
    """How old its data may become before somebody is told."""
    anomalies: AnomalyPolicy
    """Whether its rows are compared with those of its past, as often as they are counted."""


class Observed(Source[Any]):
    """An external asset that is looked at. `pipeline` does, at the ticks of its schedule."""

    def __init__(
        self, key: str, settings: Mapping[str, Any], look: Observing, schedule: Scheduled | Sequence[Scheduled] | None
    ) -> None:
        super().__init__(key, settings)
        self.__module__ = sites.module_here()
        self._site = sites.here()
        self._look = look
        self._schedule = schedule
        if settings.get("partitions") is not None:
            raise sites.refuse(f"observe= looks at the whole, and {key} has partitions.", fix="an external for each")
        if isinstance(look, Rows):
            if look.way not in ("table", "query"):
                raise sites.refuse(f"observe={look!r} cannot be looked at.", fix='observe=app.table("public.events")')
            return
        if not callable(look) or is_async(look):
            raise sites.refuse(
                f"observe={look!r} does not look at anything.",
                fix='a function that returns {"rows": …}, or app.table("public.events")',
            )
        self._code = code_ref(look, "what observes")

    @cached_property
    def pipeline(self) -> Pipeline[[], None]:
        """What looks at it: one task."""

        def body() -> None:
            self._add_node()

        body.__name__ = f"observe_{slug(self.key)}"
        body.__qualname__ = f"<locals>.{body.__name__}"  # nobody finds it by its name, and nobody needs to
        body.__module__ = self.__module__
        body.__doc__ = f"Looks at {self.key}."
        body.__toque_site__ = self._site  # type: ignore[attr-defined]
        owner = {"owner": self.settings["owner"]} if "owner" in self.settings else {}
        settings = {"schedule": self._schedule, "max_active_runs": 1, "overlap": "skip", **owner}
        return Pipeline(body, settings)

    def _add_node(self) -> None:
        trace = current()
        assert trace is not None
        told, inject, connections = self._wired()
        draft = trace.open("task", "look", self._site, Meta(doc=f"Looks at {self.key}."))
        draft.fields = {
            "code": LOOK_IN_SQL if isinstance(self._look, Rows) else LOOK,
            "kwargs": {name: Const(value=constants.encode(value)) for name, value in told.items()},
            "inject": inject,
            "policy": task_policy(
                {"retries": PATIENT}, pools=tuple(PoolClaim(pool=f"connection:{name}") for name in connections)
            ),
        }
        trace.assets[self.key] = self.known()
        trace.close(draft)

    def _wired(self) -> tuple[dict[str, Any], dict[str, Inject], tuple[str, ...]]:
        """The constants that the code of the node is given, what a worker supplies, and of which connections."""
        if isinstance(self._look, Rows):
            connection = self._look.connection
            told = {"key": self.key, "end": self._look.constant()}
            return told, {"connection": connection.__toque_supply__()}, (connection.name,)
        markers = {
            name: parameter.default
            for name, parameter in inspect.signature(self._look).parameters.items()
            if isinstance(parameter.default, Marker)
        }
        told = {"key": self.key, "place": msgspec.to_builtins(self._code)}
        used = dict.fromkeys(name for marker in markers.values() for name in marker.connections)
        return told, {name: marker.inject for name, marker in markers.items()}, tuple(used)


def external(
    key: str,
    *,
    observe: Observing | None = None,
    schedule: Scheduled | Sequence[Scheduled] | None = None,
    **options: Unpack[ExternalOptions],
) -> Source[Any]:
    """Data that something else makes: it is known, read and observed, never made.

    `external("app.public.events", observe=app.table("public.events", cursor="updated_at"), schedule=Every("15m"))` is
    looked at by a pipeline of its own: what is made from it is stale when its content is another one.
    """
    settings = checked_options(options)
    if observe is None:
        if schedule is not None:
            raise sites.refuse(f"{key} has a schedule, and nothing looks at it.", fix="observe=…, or no schedule")
        return Source(key, settings)
    return Observed(key, settings, observe, schedule)
