"""Loads as authors write them: `load(crm.changes("Contact"), into=app.table("raw.contact"), mode=Merge("Id"))`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import msgspec

from toque.authoring import sites
from toque.authoring.data_checks import listed
from toque.authoring.endpoints import Rows, Table
from toque.authoring.moves import End, Move
from toque.authoring.option_types import MoveOptions
from toque.authoring.options import checked
from toque.authoring.stated import stated
from toque.authoring.supplies import Resource
from toque.graph import assets as ir
from toque.graph.checks import AnyCheck, as_data
from toque.graph.ir import CodeRef
from toque.graph.lineage import Copied
from toque.graph.loads import SCD2_COLUMNS, AnyMode, Contract, LoadSpec, Mode, TableName
from toque.ports.sources import Source


class Load(Move):
    """Rows of a source go into a table, and take effect once. Made by `load`."""

    kind = "load"
    code = CodeRef(module="toque.integrations.loading.node", qualname="run")

    def __init__(self, source: End, into: End, constant: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        super().__init__(
            str(into.constant["path"]).replace(".", "_"), {"source": source, "into": into}, constant, settings
        )

    @property
    def spec(self) -> LoadSpec:
        """As `toque.integrations.loading` takes it."""
        return msgspec.convert(self.constant["spec"], LoadSpec)

    def described(self) -> tuple[ir.Asset, ...]:
        """The table. Of what it is read from only a table is waited for: see `ir.AssetDependency`."""
        source = ir.AssetDependency(asset=self.ends["source"].key, observed=self.ends["source"].is_observed)
        mode = self.constant["spec"]["mode"]["mode"]
        columns = Copied(source=source.asset, own=SCD2_COLUMNS if mode == "scd2" else ())
        return self.made(self.ends["into"].key, (source,), f"load, {mode}", columns)


@stated("A load", MoveOptions, into='into=warehouse.table("raw.contact")', mode='mode=Merge("id"), Append(), …')
def load(
    source: Rows | Source | Resource[Any],
    *,
    into: Table,
    mode: AnyMode,
    contract: Contract | None = None,
    checks: Sequence[AnyCheck] = (),
    **options: Unpack[MoveOptions],
) -> Load:
    """Bring what changed in `source` since the last time into the table `into`; each batch takes effect once.

    `source` is an endpoint of a connection (`crm.changes("Contact")`), an object with `name`, `read` and `confirm` at
    the top level of a module, or a resource that yields one. `mode` says what becomes of the rows, `contract` what of
    a source whose columns change. `checks` are made where the data is before anything takes effect.
    """
    if not isinstance(into, Table):
        raise sites.refuse(f"into={into!r} is no table.", fix='into=warehouse.table("raw.contact")')
    if not isinstance(mode, Mode):
        raise sites.refuse(f"mode={mode!r} does not say what becomes of the rows.", fix='mode=Merge("id"), Append(), …')
    settings = checked("move", dict(options))
    spec = LoadSpec(table=TableName.parse(into.path), mode=mode, contract=contract or Contract())
    constant = {"spec": msgspec.to_builtins(spec), "checks": as_data(list(listed(checks)))}
    return Load(End(source, "the source of a load"), End(into, "a table"), constant, settings)
