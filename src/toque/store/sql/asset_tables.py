"""The tables of what is known of data."""

from __future__ import annotations

from toque.engine.rows import AssetEventRow
from toque.ports.assets import DynamicKey, SliceRow
from toque.ports.automations import AutomationRow, DecisionRow
from toque.store.sql.declared import Column, Index, Table

ASSET_EVENTS = Table(
    name="asset_events",
    key=("run_id", "task", "map_index", "attempt", "n"),
    row=AssetEventRow,
    columns=(
        Column("run_id"),
        Column("task"),
        Column("map_index", "index"),
        Column("attempt", "int"),
        Column("n", "int"),
        Column("asset"),
        Column("partition"),
        Column("kind"),
        Column("at_us", "int"),
        Column("rest", "bytes"),
    ),
    indexes=(
        Index("asset_events_by_asset", ("asset", "at_us", "run_id")),
        Index("asset_events_by_kind", ("asset", "kind", "at_us", "run_id")),
        Index("asset_events_by_slice", ("asset", "partition", "at_us", "run_id")),
    ),
)

ASSET_SLICES = Table(
    name="asset_slices",
    key=("asset", "partition"),
    row=SliceRow,
    columns=(Column("asset"), Column("partition"), Column("materialized_us", "int"), Column("rest", "bytes")),
    indexes=(Index("asset_slices_by_time", ("asset", "materialized_us", "partition")),),
)

FAILING_SLICES = Table(
    name="failing_slices",
    key=("asset", "partition"),
    columns=(Column("asset"), Column("partition")),
)
"""Those with a check that does not hold: few beside all."""

DYNAMIC_KEYS = Table(
    name="dynamic_keys",
    key=("name", "key"),
    row=DynamicKey,
    columns=(Column("name"), Column("key"), Column("added_us", "int", frozen=True), Column("rest", "bytes")),
    indexes=(Index("dynamic_keys_in_order", ("name", "added_us", "key")),),
)

AUTOMATIONS = Table(
    name="automations",
    key=("asset",),
    row=AutomationRow,
    clustered=False,
    columns=(Column("asset"), Column("revision", "int"), Column("rest", "bytes")),
)

DECISIONS = Table(
    name="decisions",
    key=("asset", "n"),
    row=DecisionRow,
    columns=(Column("asset"), Column("n", "int"), Column("rest", "bytes")),
)
