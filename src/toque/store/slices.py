"""How what is told of a slice changes the way it stands: the same for every store."""

from __future__ import annotations

import msgspec

from toque.engine.assets import Checked, Materialized, Observed
from toque.engine.rows import AssetEventRow
from toque.ports.assets import SliceRow


def fold(standing: SliceRow | None, row: AssetEventRow) -> SliceRow:
    """The slice after the event. Pure; the row that is given stays as it is."""
    found = standing or SliceRow(asset=row.asset, partition=row.partition)
    match row.event:
        case Materialized() as event:
            changed = not found.materialized_us or found.data_version != event.data_version
            return msgspec.structs.replace(
                found,
                materialized_us=row.at_us,
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
                data_version=event.data_version or found.data_version,
                rows=event.rows if event.rows is not None else found.rows,
            )
        case Checked() as event:
            failing = {name: severity for name, severity in found.failing.items() if name != event.check}
            if not event.passed:
                failing[event.check] = event.severity
            return msgspec.structs.replace(found, failing=failing)
