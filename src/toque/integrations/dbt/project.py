"""dbt projects as authors write them: `models = DbtProject("dbt", connection=warehouse)`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self, Unpack, cast

import msgspec

from toque.authoring import flow_calls, sites, wiring
from toque.authoring.assets import Source
from toque.authoring.automation import rules_of
from toque.authoring.cutting import Partitions
from toque.authoring.freshness import policies_of
from toque.authoring.option_types import MoveOptions
from toque.authoring.options import check_name, checked
from toque.authoring.placeholders import Placeholder, Wired
from toque.authoring.producers import Node, Producer, written_by
from toque.authoring.stated import stated
from toque.authoring.supplies import Connection
from toque.authoring.tasks import checked_upstream, refuse_at_import
from toque.authoring.trace import current
from toque.graph import assets as ir
from toque.graph import constants
from toque.graph.expr import Const
from toque.graph.ir import TaskNode
from toque.integrations.dbt import grouping
from toque.integrations.dbt.build import Build, Settings
from toque.integrations.dbt.drafting import CODE, Drafts
from toque.integrations.dbt.reading import Reading

_OWN: Final = frozenset(Settings.__struct_fields__) - {"path", "connection"}


class DbtOptions(MoveOptions, total=False):
    """Options of a dbt project: those of the task that runs dbt, and what dbt is told."""

    sources: Mapping[str, Producer | Source[Any]]
    """What fills a source, by `<source>.<table>`; else the asset of the schema and table that it declares."""
    partitions: Partitions
    """A run is of one: `--vars` has its `partition_key`, `partition_start` and `partition_end`."""
    manifest: str
    """A `manifest.json` that you make yourself; without it Toque has dbt make one whenever the project changes."""
    schema: str
    """The one that dbt builds in: `target.schema`."""
    threads: int
    vars: Mapping[str, Any]
    select: str | Sequence[str]
    """In dbt's own grammar, as `exclude`."""
    exclude: str | Sequence[str]
    indirect_selection: str
    profile: str
    """A profile of your own, with its `target`, instead of one that is made of the connection."""
    target: str
    full_refresh: bool
    docs: bool
    """Have dbt generate its docs at the end of each build."""
    retry_model_of_failed_test: bool
    """A retry makes the model again whose test failed, before it tests it."""


class DbtProject(Node):
    """A dbt project: each model, seed, snapshot and test is a task, and one process of dbt runs them all."""

    @stated("A dbt project", DbtOptions, connection='connection=Warehouse("warehouse")')
    def __init__(self, path: str, *, connection: Connection, **options: Unpack[DbtOptions]) -> None:
        given = cast("dict[str, Any]", options)
        if not isinstance(connection, Connection):
            raise sites.refuse(f"connection={connection!r} is no connection.", fix='connection=Warehouse("warehouse")')
        links = given.pop("sources", None) or {}
        self.cut: Partitions | None = given.pop("partitions", None)
        told = {name: given.pop(name) for name in list(given) if name in _OWN}
        for name in ("select", "exclude"):
            if name in told:
                told[name] = tuple(told[name].split()) if isinstance(told[name], str) else tuple(told[name])
        super().__init__(
            str(path).rstrip("/").rpartition("/")[2], checked("move", given), sites.here(), sites.module_here()
        )
        check_name(self.name, "a dbt project")
        self.dbt = _converted({"path": str(path).rstrip("/"), "connection": connection.name, **told})
        if self.dbt.manifest and self.dbt.question().selects:
            raise sites.refuse(
                "select= and exclude= are answered by dbt, which is not asked where manifest= says what there is.",
                fix="leave out one of them",
            )
        self.reading = Reading(self.dbt, self.site, {label: _key_of(each) for label, each in links.items()})
        self.only: frozenset[str] | None = None
        """Unique ids of the entries of this part of the project; None: of all."""
        self.part = 0
        """Of the project, where something else lies between its models."""

    def described(self) -> tuple[ir.Asset, ...]:
        """The tables and views that it makes."""
        return tuple(asset for name, asset in self.made() if self.only is None or name in self.only)

    def __call__(self, *, full_refresh: Any = None, vars: Any = None) -> Any:  # noqa: A002 - as dbt calls it
        """Add its nodes, in the body of a pipeline. `full_refresh` and `vars` may be parameters of the run."""
        trace = current()
        if trace is None:
            refuse_at_import(self.name)
            where = "a flow runs tasks" if flow_calls.in_flow() else "outside of a pipeline nothing runs it"
            raise sites.refuse(f"{self.name} is a dbt project, and {where}.", fix='pipeline("…", assets=[…]).run()')
        group = trace.frame.prefix + self.name
        if not self.part:
            trace.claim(self.name)
        after = [
            node
            for upstream in self.upstream
            for placeholder in wiring.placeholders_in(upstream)
            for node in wiring.nodes_of(trace, placeholder)
        ]
        with trace.within(prefix=f"{group}.", group=group, after=(*trace.frame.after, *after)):
            ends = Drafts(trace, self, self._ids()).add({"full_refresh": full_refresh, "variables": vars})
        return Placeholder(Wired(trace, Const(value=None), self.name, lambda: type(None), ends=ends))

    def options(self, **options: Unpack[MoveOptions]) -> Self:
        """The same with other options of its task, for the next call."""
        return self._changed(settings={**self.settings, **checked("move", cast("dict[str, Any]", options))})

    def after(self, *upstream: object) -> Self:
        """The same, after results that it is not passed."""
        return self._changed(upstream=(*self.upstream, *checked_upstream(self.name, upstream)))

    def is_run_by(self, node: TaskNode) -> bool:
        """The hosts of its parts are told of it."""
        build = node.kwargs.get("build")
        if node.code != CODE or not isinstance(build, Const):
            return False
        is_it = msgspec.convert(constants.decode(build.value), Build).settings == self.dbt
        return is_it and self.settings.get("name", "") in ("", node.id.rpartition("/")[2].rpartition(".")[0])

    def chosen(self, keys: frozenset[str]) -> Self:
        """The models of these assets, with their tests."""
        keyed = self.reading.keys
        return self._changed(only=frozenset(name for name in self._ids() if keyed.get(name) in keys))

    def split(self, others: Sequence[ir.Asset]) -> Sequence[Self]:
        """One part for each time that a path leaves dbt and comes back."""
        keys = self.reading.keys
        level = grouping.levels(self.reading.manifest.selected(self._ids()), keys, others)
        parts = sorted(set(level.values()))
        if len(parts) <= 1:
            return (self,)
        return [
            self._changed(only=frozenset(name for name, each in level.items() if each == number), part=place)
            for place, number in enumerate(parts)
        ]

    def __repr__(self) -> str:
        return f"<dbt project {self.name} of {self.dbt.path}>"

    def _ids(self) -> frozenset[str]:
        return self.only if self.only is not None else frozenset(self.reading.manifest.entries)

    def made(self) -> list[tuple[str, ir.Asset]]:
        """What entries make, by unique id: of the whole project."""
        settings = self.settings
        cut = self.cut.value if self.cut is not None else None
        found = self.reading.made(cut, settings.get("group", ""), settings.get("owner", ""))
        stated = {"automation": rules_of(settings), **policies_of(settings)}
        return [(name, msgspec.structs.replace(asset, **stated)) for name, asset in found]


def _converted(told: dict[str, Any]) -> Settings:
    try:
        return msgspec.convert(told, Settings)
    except msgspec.ValidationError as error:
        raise sites.refuse(f"This is no dbt project: {error}.") from None


def _key_of(filler: object) -> str:
    if isinstance(filler, Producer):
        return written_by(filler)[0]
    if isinstance(filler, Source):
        return filler.key
    raise sites.refuse(f"{filler!r} fills no source.", fix='sources={"crm.contact": contacts}, of a load or an asset')
