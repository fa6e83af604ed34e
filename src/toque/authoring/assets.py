"""Assets: functions that say what they make, and data that something else makes.

```python
@asset
def orders() -> pa.Table: ...


@asset(partitions=Daily("2026-01-01"))
def revenue(orders: pa.Table) -> pa.Table: ...  # the parameter names the asset that it is made from
```
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, Generic, ParamSpec, Protocol, TypeVar, Unpack, cast, overload

import msgspec

from toque.authoring import calls, cutting, flow_calls, sites, types
from toque.authoring.asset_keys import check_key, key_of
from toque.authoring.automation import automation_of
from toque.authoring.column_origins import column_origins
from toque.authoring.data_checks import listed
from toque.authoring.freshness import policies_of
from toque.authoring.options import AssetOptions, asset_keys, checked
from toque.authoring.producers import Producer
from toque.authoring.publishing import check_publish
from toque.authoring.references import code_ref, place_of, source_hash
from toque.authoring.tasks import check_function, checked_upstream, refuse_at_import
from toque.authoring.trace import current
from toque.authoring.wiring import Marker, connections_of
from toque.graph import assets as ir
from toque.graph.checks import AnyCheck, name_of
from toque.graph.ir import CodeRef, Inject
from toque.graph.partitions import AnyMapping, AnyPartitioning, Matching
from toque.worker.kept import Kept
from toque.worker.slices import IOManager

P = ParamSpec("P")
R = TypeVar("R")


class Source(Generic[R]):
    """A data object with a key: what `use()` reads."""

    __toque_kind__ = "source"

    def __init__(self, key: str, settings: Mapping[str, Any]) -> None:
        check_key(key)
        self.key = key
        self.settings = settings
        self.__toque_io__: IOManager = settings.get("io") or Kept()

    @property
    def __toque_partitions__(self) -> AnyPartitioning | None:
        cut = self.settings.get("partitions")
        return None if cut is None else cut.value

    def __toque_open__(self, **supplied: Any) -> R:
        """For type checkers: the worker reads assets itself."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<asset {self.key}>"

    def known(self) -> ir.Asset:
        """As the graph knows it when no node of it makes it."""
        settings = self.settings
        return ir.Asset(
            key=self.key,
            partitions=self.__toque_partitions__,
            io=repr(self.__toque_io__),
            group=settings.get("group", ""),
            doc=settings.get("doc", ""),
            owner=settings.get("owner", ""),
            tags=tuple(settings.get("tags", ())),
            **policies_of(settings),
        )

    def marker(self, place: CodeRef, mapping: AnyMapping, annotation: Callable[[], Any] | None = None) -> Marker:
        """What stands for an argument that is read from it; `place` is where a worker finds it."""
        wanted = ir.AssetInput(mapping=mapping, theirs=self.__toque_partitions__)
        inject = Inject(kind="asset", name=self.key, code=place, asset=wanted)
        used = connections_of(self.__toque_io__)
        return Marker(inject, connections=used, lasting=False, annotation=annotation, asset=self)


class Asset(Source[R], Producer, Generic[P, R]):
    """A function that makes a data object. Made by `@asset`.

    In the body of a pipeline a call adds the node that makes it; anywhere else it calls the function.
    """

    __toque_kind__ = "asset"

    def __init__(
        self, function: Callable[P, Any], settings: Mapping[str, Any], upstream: tuple[object, ...] = ()
    ) -> None:
        super().__init__(settings.get("key") or key_of(settings.get("io"), function.__name__), settings)
        check_publish(self.key, settings)
        self.__toque_function__ = function
        self.upstream = upstream
        self.__toque_checks__: Mapping[str, Sequence[AnyCheck]] = {self.key: settings.get("checks", ())}
        """By key: a function may make several assets."""
        self.__name__ = function.__name__
        self.__qualname__ = function.__qualname__
        self.__module__ = function.__module__
        self.__doc__ = function.__doc__
        self.__wrapped__ = function

    @property
    def name(self) -> str:
        """What its node is called."""
        return cast("str", self.settings.get("name") or self.__name__)

    @property
    def site(self) -> sites.Site:
        """Where its function is defined."""
        return sites.definition(self.__toque_function__)

    @cached_property
    def signature(self) -> inspect.Signature:
        """That of its function, with a `use(…)` in place of each parameter that is named as an asset."""
        plain, supplied = [], []
        for parameter in inspect.signature(self.__toque_function__).parameters.values():
            marker = self._read_by(parameter)
            if marker is None:
                plain.append(parameter)
            else:
                supplied.append(parameter.replace(default=marker, kind=inspect.Parameter.KEYWORD_ONLY))
        places = [each for each in plain if each.kind is not inspect.Parameter.VAR_KEYWORD]
        return inspect.Signature([*places, *supplied, *(each for each in plain if each not in places)])

    @property
    def reads(self) -> tuple[tuple[Source[Any], AnyMapping], ...]:
        """The assets that it is made from."""
        markers = [marker for _, marker in calls.supplied(self)]
        return tuple((m.asset, m.inject.asset.mapping) for m in markers if m.asset is not None and m.inject.asset)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Add the node that makes it, or call the function: depends on where."""
        trace = current()
        if trace is not None:
            return cast("R", calls.call_asset(trace, self, args, kwargs))
        if flow_calls.in_flow():
            raise sites.refuse(
                f"{self.key} is an asset, and a flow runs tasks.", fix="a @pipeline, or a task that writes the data"
            )
        refuse_at_import(self.name)
        return cast("R", calls.call_plainly(self, args, kwargs))

    def options(self, **options: Unpack[AssetOptions]) -> Asset[P, R]:
        """The same asset with other options, for the next call."""
        settings = {**self.settings, **checked_options(cast("dict[str, Any]", options))}
        return Asset(self.__toque_function__, settings, self.upstream)

    def after(self, *upstream: object) -> Asset[P, R]:
        """The same asset, made after results that it is not passed."""
        return Asset(self.__toque_function__, self.settings, (*self.upstream, *checked_upstream(self.name, upstream)))

    def made_by(self, code: CodeRef) -> Marker:
        """What stands for an argument that is passed it."""
        function = self.__toque_function__
        place = msgspec.structs.replace(code, source_hash="", mode="sync")
        return self.marker(place, Matching(), lambda: types.return_type(function))

    def known(self) -> ir.Asset:
        """As the graph knows it, whether or not a node of it makes it."""
        return self.described()[0]

    def described(self) -> tuple[ir.Asset, ...]:
        """The one that it makes."""
        stated_reads = [(key, Matching()) for key in asset_keys("reads", self.settings)]
        given = [*((each.key, mapping) for each, mapping in self.reads), *stated_reads]
        upstream = tuple(ir.AssetDependency(asset=key, mapping=mapping) for key, mapping in given)
        stated = self.settings.get("code_version", "")
        made = msgspec.structs.replace(
            super().known(),
            upstream=upstream,
            code_version=stated or source_hash(self.__toque_function__),
            checks=self._checked(self.key),
            columns=column_origins(self.settings.get("columns")),
            automation=automation_of(self.settings, self.key, upstream, self.site),
            doc=self.settings.get("doc") or inspect.cleandoc(self.__doc__ or ""),
        )
        return (made,)

    def __reduce__(self) -> tuple[Any, ...] | str:
        return self.__qualname__

    def _checked(self, key: str) -> tuple[str, ...]:
        return tuple(name_of(check) for check in self.__toque_checks__.get(key, ()))

    def _read_by(self, parameter: inspect.Parameter) -> Marker | None:
        """What a worker supplies for a parameter: a `use(…)`, or the asset that it is named as."""
        function = self.__toque_function__
        marker = parameter.default
        if parameter.default is inspect.Parameter.empty and parameter.kind in _NAMED:
            found = function.__globals__.get(parameter.name)
            if not isinstance(found, Source):
                raise sites.definition(function).error(
                    f"{self.key}: no asset is called {parameter.name} in {function.__module__}.",
                    fix=f"import it, or {parameter.name}=use(…), or give the parameter a default",
                )
            place = CodeRef(module=function.__module__, qualname=parameter.name)
            marker = found.marker(place, Matching(), lambda: types.parameter_type(function, parameter.name))
        if not isinstance(marker, Marker):
            return None
        return marker if marker.asset is None else self._as_cut(marker)

    def _as_cut(self, marker: Marker) -> Marker:
        """Which slices are read depends on how this asset is cut."""
        from toque.errors import UserError
        from toque.schedule.partitions.mapping import check_mapping

        wanted = marker.inject.asset
        assert wanted is not None
        try:
            check_mapping(wanted.mapping, self.__toque_partitions__, wanted.theirs)
        except UserError as error:
            raise sites.definition(self.__toque_function__).error(
                f"{self.key} reads {marker.inject.name}: {error.message}", fix=error.fix
            ) from None
        cut = msgspec.structs.replace(wanted, ours=self.__toque_partitions__)
        inject = msgspec.structs.replace(marker.inject, asset=cut)
        used = marker.connections
        return Marker(inject, connections=used, lasting=False, annotation=marker.annotation, asset=marker.asset)


_NAMED: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class _AssetDecorator(Protocol):
    def __call__(self, function: Callable[P, R], /) -> Asset[P, R]: ...


@overload
def asset(function: Callable[P, R], /) -> Asset[P, R]: ...
@overload
def asset(**options: Unpack[AssetOptions]) -> _AssetDecorator: ...
def asset(function: Any = None, /, **options: Any) -> Any:
    """Make a function an asset: `@asset` or `@asset(partitions=Daily("2026-01-01"), group="marts")`."""
    settings = checked_options(options)

    def decorate(function: Callable[..., Any]) -> Asset[Any, Any]:
        check_function(function, "an asset")
        return Asset(function, settings)

    return decorate if function is None else decorate(function)


def read(source: Source[Any], mapping: cutting.Mapping | None) -> Marker:
    """What `use(source, mapping)` makes. Raises `UserError` for a source that a worker could not find."""
    if isinstance(source, Asset):
        function = source.__toque_function__
        place = msgspec.structs.replace(code_ref(function, "an asset"), source_hash="", mode="sync")
        return source.marker(place, _mapping(mapping), lambda: types.return_type(function))
    if not isinstance(source, Source):
        raise sites.refuse(
            f"use() cannot supply {source!r}: it writes into a system of its own and leaves no value.",
            fix="reads=[…] among the options, and use(…) of its connection",
        )
    name = source.key.rpartition(".")[2]
    place = place_of(
        source,
        f"use({source.key}): a worker finds an asset",
        f'{name} = external("{source.key}") at the top level',
    )
    return source.marker(place, _mapping(mapping))


def _mapping(mapping: cutting.Mapping | None) -> AnyMapping:
    return Matching() if mapping is None else mapping.value


def checked_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of an asset, if all of them can be meant. Raises `UserError`."""
    found = checked("asset", options)
    cut = found.get("partitions")
    if cut is not None and not isinstance(cut, cutting.Partitions):
        raise sites.refuse(f"partitions={cut!r} does not cut anything.", fix='partitions=Daily("2026-01-01")')
    if "checks" in found:
        found["checks"] = listed(found["checks"])
    keeper = found.get("io")
    if keeper is not None and not (hasattr(keeper, "save") and hasattr(keeper, "load")):
        raise sites.refuse(f"io={keeper!r} is no IO manager: it has no save() and load().", fix="io=Parquet(…)")
    return found
