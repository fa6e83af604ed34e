"""Syncs as authors write them: `sync(app.table("marts.scores"), into=crm.object("Contact"), mode=Update("Id"), …)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import msgspec

from toque.authoring import sites
from toque.authoring.endpoints import Records, Table
from toque.authoring.moves import End, Move
from toque.authoring.option_types import SyncOptions
from toque.authoring.options import checked, tolerance
from toque.authoring.stated import stated
from toque.authoring.supplies import Resource
from toque.errors import UserError
from toque.graph import assets as ir
from toque.graph.ir import CodeRef, PoolClaim
from toque.graph.lineage import Mapped
from toque.graph.loads import Mode, TableName
from toque.graph.syncs import AnySyncMode, Guard, OnDelete, SyncSpec
from toque.ports.destinations import Destination


class Sync(Move):
    """Rows of a table become records of a system outside. Made by `sync`."""

    kind = "sync"
    code = CodeRef(module="toque.integrations.syncing.node", qualname="run")

    def __init__(self, source: End, into: End, constant: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        name = str(constant["spec"]["name"]).replace(".", "_")
        super().__init__(name, {"source": source, "into": into}, constant, settings)

    @property
    def spec(self) -> SyncSpec:
        """As `toque.integrations.syncing` takes it."""
        return msgspec.convert(self.constant["spec"], SyncSpec)

    def pools(self) -> tuple[PoolClaim, ...]:
        """Also a pool of its own with one slot: two runs of one sync would send the same records."""
        return (*super().pools(), PoolClaim(pool=f"sync:{self.constant['spec']['name']}"))

    def described(self) -> tuple[ir.Asset, ...]:
        """What the records are, as far as this sync knows."""
        source = ir.AssetDependency(asset=self.ends["source"].key)
        spec = self.constant["spec"]
        columns = Mapped(source=source.asset, into=self.ends["into"].key, fields=_mapped(spec))
        return self.made(spec["name"], (source,), f"sync, {spec['mode']['mode']}", columns)


@stated(
    "A sync",
    SyncOptions,
    into='into=crm.object("Contact")',
    mode='mode=Upsert("id")',
    fields='fields={"lead_score": "Lead_Score__c"}',
)
def sync(
    source: Table,
    *,
    into: Records | Destination | Resource[Any],
    mode: AnySyncMode,
    fields: Mapping[str, str],
    on_delete: OnDelete | None = None,
    tolerate: float | str = 0,
    guard: Guard | None = None,
    **options: Unpack[SyncOptions],
) -> Sync:
    """Send what changed in the table `source` since it was last acknowledged into `into`; nothing is sent twice.

    `fields` maps columns to fields of the destination. `tolerate` records may be rejected (a count, or a share such as
    `"2%"`) before the sync fails, all others sent.
    """
    if not isinstance(source, Table):
        raise _no_table(source)
    if not isinstance(mode, Mode):
        raise sites.refuse(f"mode={mode!r} does not say what becomes of the rows.", fix='mode=Upsert("id")')
    if not fields:
        raise sites.refuse("fields maps nothing: nothing would be sent.", fix='fields={"lead_score": "Lead_Score__c"}')
    key = options.pop("key", "")
    settings = checked("move", dict(options))
    end = End(into, "the destination of a sync")
    spec = SyncSpec(
        name=key or end.key,
        source=TableName.parse(source.path),
        mode=mode,
        fields=dict(fields),
        on_delete=on_delete,
        tolerate=tolerance({"tolerate": tolerate}),
        guard=guard or Guard(),
    )
    return Sync(End(source, "a table"), end, {"spec": msgspec.to_builtins(spec)}, settings)


def _mapped(spec: Mapping[str, Any]) -> dict[str, str]:
    """Column to field, what finds the record included."""
    fields, key = dict(spec["fields"]), spec["mode"]["key"]
    for name in [key] if isinstance(key, str) else key:
        if name not in fields.values():
            fields[name] = name
    return fields


def _no_table(source: object) -> UserError:
    """An asset that is kept as a table is none itself: it is read by its connection."""
    kept, key = repr(getattr(source, "__toque_io__", "")), str(getattr(source, "key", ""))
    meant = key if key.startswith(f"{kept}.") else "warehouse.marts.scores"
    connection, _, path = meant.partition(".")
    return sites.refuse(f"{source!r} is no table.", fix=f'sync({connection}.table("{path}"), …)')
