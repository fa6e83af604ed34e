"""Around the call of an asset's function: what it returns is kept, and what it is made from is read."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from toque.engine.assets import Materialized
from toque.engine.values import Token
from toque.errors import UserError
from toque.graph.ir import CodeRef, Inject
from toque.graph.partitions import AnyPartitioning, TimeWindows
from toque.ports.executor import AttemptSpec
from toque.worker import code, instants
from toque.worker.context import Context
from toque.worker.partitions import Partition, Span
from toque.worker.slices import NothingThere, Site, Slice

if TYPE_CHECKING:
    from toque.worker.environment import Environment

OF_PARTITIONS = ("Partition", "Span")
"""What `use()` supplies of the run's partitions."""
CHECKING = CodeRef(module="toque.integrations.checking.of_assets", qualname="check")
"""Checks what the function of an asset returned, if it has checks: most have none, and pay for none."""
PUBLISHING = CodeRef(module="toque.integrations.checking.of_assets", qualname="publish")
"""The same of an asset that is audited where it is kept."""


def written(spec: AttemptSpec, context: Context, value: Any, site: Site) -> Any:
    """What stands for the result of a node that writes assets. The value of an `@asset` is kept; any other node has
    written by itself, and what it did not tell of is told now."""
    source = code.locate(spec.node.code)
    if hasattr(source, "__toque_io__"):
        # Nothing is kept before all of it has passed.
        passed = [
            _passed(source, context, slice_of(key, source.__toque_partitions__, partition), part, site)
            for key, whole in _values(spec, value)
            for partition, part in _parts(spec, source, whole)
        ]
        summaries = []
        for each in passed:
            event, summary = _kept(spec, source, each, context, site)
            context.tell(event)
            summaries.append(summary)
        if len(spec.node.writes) > 1:
            return {"assets": list(spec.node.writes), "partition": spec.partition_key}
        return summaries[0] if len(summaries) == 1 else {"asset": spec.node.writes[0], "partition": spec.partition_key}
    told = {event.asset for event in context.told if isinstance(event, Materialized)}
    for key in spec.node.writes:
        if key not in told:
            context.tell(Materialized(asset=key, data_version=attempt_name(spec)))
    return value


def _values(spec: AttemptSpec, value: Any) -> list[tuple[str, Any]]:
    """The value of each asset: of a function that makes several, by their keys or in their order."""
    keys = spec.node.writes
    if len(keys) == 1:
        return [(keys[0], value)]
    if isinstance(value, Mapping) and set(value) == set(keys):
        return [(key, value[key]) for key in keys]
    if isinstance(value, list | tuple) and len(value) == len(keys):
        return list(zip(keys, value, strict=True))
    raise UserError(
        f"{spec.node.id} makes {len(keys)} assets, and returned {type(value).__name__}",
        fix=f"a tuple of {len(keys)} values, in the order {', '.join(keys)}, or a dict by their keys",
    )


def _parts(spec: AttemptSpec, source: Any, value: Any) -> list[tuple[str, Any]]:
    """The value of each partition. A function that takes a `Span` returns one for each of its keys."""
    if not any(each.kind == "context" and each.name == "Span" for each in spec.node.inject.values()):
        return [(spec.partition_key, value)]
    keys = span_of_keys(spec, source.__toque_partitions__).keys
    if not isinstance(value, Mapping) or set(value) != set(keys):
        found = ", ".join(map(str, value)) if isinstance(value, Mapping) else type(value).__name__
        raise UserError(
            f"{spec.node.writes[0]} takes a Span of {len(keys)} partitions, and returned {found[:200]}",
            fix="return {key: value for key in span.keys}: one value for each partition",
        )
    return [(key, value[key]) for key in keys]


def span_of_keys(spec: AttemptSpec, partitions: AnyPartitioning | None) -> Span:
    """The partitions that the run is of."""
    from toque.schedule.partitions import keys_of

    if partitions is None or not spec.partition_key:
        raise UserError(
            f"{spec.task} takes a Span, and the run is of no partition", fix="toque materialize ASSET --partitions …"
        )
    return Span(keys=keys_of(partitions, spec.partition_key), **_times(spec))


def partition_of(spec: AttemptSpec) -> Partition:
    """The one partition that the run is of."""
    if not spec.partition_key or ".." in spec.partition_key:
        raise UserError(
            f"{spec.task} takes a Partition, and the run is of {spec.partition_key or 'none'}",
            fix="toque materialize ASSET --partitions …, with --strategy per_key",
        )
    return Partition(key=spec.partition_key, **_times(spec))


def of_partitions(name: str, spec: AttemptSpec) -> Partition | Span:
    """The value of `use(Partition)` or `use(Span)`."""
    if name == "Partition":
        return partition_of(spec)
    return span_of_keys(spec, getattr(code.locate(spec.node.code), "__toque_partitions__", None))


def _times(spec: AttemptSpec) -> dict[str, Any]:
    return {"start": instants.instant(spec.interval_start_us), "end": instants.instant(spec.interval_end_us)}


class Passed(NamedTuple):
    """A value that may be kept."""

    target: Slice
    value: Any
    known: dict[str, Any]
    """Of the rows that were set aside from it."""


def _passed(source: Any, context: Context, target: Slice, value: Any, site: Site) -> Passed:
    """Raises `DataError` when a check of the asset blocks."""
    checks = source.__toque_checks__.get(target.asset, ())
    if not checks or _is_audited(source):
        return Passed(target, value, {})
    return Passed(target, *code.locate(CHECKING)(value, target, checks, context, site))


def _is_audited(source: Any) -> bool:
    """Whether its values are checked where they are kept."""
    return bool(source.settings.get("publish") == "audited")


def _kept(
    spec: AttemptSpec, source: Any, passed: Passed, context: Context, site: Site
) -> tuple[Materialized, dict[str, Any]]:
    """Keep what the function of an asset returned: what to tell of it, and what stands for it as the node's result."""
    target, value, known = passed
    if _is_audited(source):
        checks = source.__toque_checks__[target.asset]
        saved = code.locate(PUBLISHING)(source.__toque_io__, target, value, checks, context, site)
    else:
        saved = source.__toque_io__.save(target, value, site)
    event = Materialized(
        asset=target.asset,
        partition=target.partition,
        data_version=saved.data_version,
        code_version=source.settings.get("code_version", "") or spec.node.code.source_hash,
        rows=saved.rows,
        size_bytes=saved.size_bytes,
        columns=saved.columns,
        metadata={**saved.metadata, **known},
    )
    told = {
        "asset": target.asset,
        "partition": target.partition,
        "rows": saved.rows,
        "data_version": saved.data_version,
    }
    return event, {name: each for name, each in told.items() if each not in ("", None)}


def supplied(inject: Inject, spec: AttemptSpec, kind: Any, site: Site) -> Any:
    """The value of an argument that is read from an asset. Raises `UserError` when there is nothing to read."""
    from toque.schedule.partitions import Known, has_key, keys_of, upstream_keys

    assert inject.code is not None
    assert inject.asset is not None
    source = code.locate(inject.code)
    wanted, key = inject.asset, spec.partition_key
    known = Known(max(spec.logical_us, spec.created_us), spec.dynamic)
    if wanted.ours is None and key and wanted.theirs is not None and has_key(wanted.theirs, key, known):
        keys: tuple[str, ...] = (key,)  # a plain task of a run that is about this slice
    else:
        ours = keys_of(wanted.ours, key)
        read = (upstream_keys(wanted.mapping, wanted.ours, wanted.theirs, each, known) for each in ours)
        keys = tuple(dict.fromkeys(chain.from_iterable(read)))
    if not keys:
        raise UserError(
            f"{inject.name} has no partition for {key or 'this run'}", fix="a run of a partition that it has"
        )
    slices = [slice_of(inject.name, wanted.theirs, each) for each in keys]
    try:
        return source.__toque_io__.load(slices, kind, site)
    except NothingThere as error:
        part = f" --partitions {error.missing.partition!r}" if error.missing.partition else ""
        raise UserError(str(error), fix=f"toque materialize {inject.name}{part}") from None


def site(spec: AttemptSpec, env: Environment, context: Context, scope: ExitStack) -> Site:
    """Where an attempt stands; `scope` closes what is opened for it."""

    def supply(inject: Inject) -> Any:
        return env.supplier.supply(inject, context, scope)

    return Site(env.blobs, env.project, attempt_name(spec), supply)


def slice_of(asset: str, partitions: AnyPartitioning | None, key: str) -> Slice:
    """The slice of an asset that a run of the partition `key` is about. Raises `UserError` when it has none."""
    from toque.schedule.partitions import span
    from toque.schedule.partitions.keys import check_key, parts

    if partitions is None:
        return Slice(asset=asset)
    if not key:
        raise UserError(
            f"{asset} has partitions, and the run is of none", fix=f"toque materialize {asset} --partitions …"
        )
    check_key(partitions, key)
    window = next(((each, part) for each, part in parts(partitions, key) if isinstance(each, TimeWindows)), None)
    start_us, end_us = span(*window) if window is not None else (0, 0)
    return Slice(asset=asset, partition=key, start_us=start_us, end_us=end_us)


def attempt_name(spec: AttemptSpec) -> str:
    """Unlike that of any other attempt, and fit for a file name."""
    token: Token = spec.token
    return f"{spec.run_id}-{token.boot}.{token.n}"
