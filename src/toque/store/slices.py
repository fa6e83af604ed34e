"""How what is told of a slice changes the way it stands: the same for every store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import msgspec

from toque.engine.assets import Checked, FreshnessTold, Materialized, Observed, PartitionsAdded, Reviewed
from toque.engine.rows import AssetEventRow
from toque.errors import ToqueBug
from toque.ports.assets import DynamicKey, SliceRow


def added_by(events: Sequence[AssetEventRow]) -> list[DynamicKey]:
    """The partitions that came to be by events. They belong to no slice, and are kept apart from those that do."""
    return [
        DynamicKey(name=row.asset, key=key, added_us=row.at_us, actor=row.run_id)
        for row in events
        if isinstance(row.event, PartitionsAdded)
        for key in row.event.keys
    ]


def of_slices(events: Sequence[AssetEventRow]) -> list[AssetEventRow]:
    """The others."""
    return [row for row in events if not isinstance(row.event, PartitionsAdded)]


def about_slices(events: Sequence[AssetEventRow]) -> list[AssetEventRow]:
    """Those that change how a slice stands."""
    return [row for row in events if not isinstance(row.event, FreshnessTold)]


def fold(standing: SliceRow | None, row: AssetEventRow) -> SliceRow:
    """The slice after the event. Pure; the row that is given stays as it is."""
    found = standing or SliceRow(asset=row.asset, partition=row.partition)
    match row.event:
        case Materialized() as event:
            changed = not found.materialized_us or found.data_version != event.data_version
            return msgspec.structs.replace(
                found,
                materialized_us=row.at_us,
                updated_us=row.at_us,
                changed_us=row.at_us if changed else found.changed_us,
                run_id=row.run_id,
                task=row.task,
                pipeline=row.pipeline,
                data_version=event.data_version,
                code_version=event.code_version,
                rows=event.rows,
                size_bytes=event.size_bytes,
                columns=event.columns,
            )
        case Observed() as event:
            changed = bool(event.data_version) and event.data_version != found.data_version
            return msgspec.structs.replace(
                found,
                observed_us=row.at_us,
                changed_us=row.at_us if changed else found.changed_us,
                updated_us=event.updated_us or (row.at_us if changed else found.updated_us),
                data_version=event.data_version or found.data_version,
                rows=event.rows if event.rows is not None else found.rows,
                columns=event.columns or found.columns,
            )
        case Checked() as event:
            failing = {name: severity for name, severity in found.failing.items() if name != event.check}
            if not event.passed:
                failing[event.check] = event.severity
            return msgspec.structs.replace(found, failing=failing)
        case Reviewed() as event:
            if event.was_anomaly or found.materialized_us > event.made_us:
                return found
            left = {name: severity for name, severity in found.failing.items() if name != event.check}
            return msgspec.structs.replace(found, failing=left)
        case PartitionsAdded() | FreshnessTold():
            raise ToqueBug(f"{row.kind} is about no slice")
        case _:
            assert_never(row.event)
