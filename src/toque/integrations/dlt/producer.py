"""Sources of dlt as authors write them: `issues = dlt_load(github, into=warehouse, schema="github", resources=[…])`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self, Unpack

from toque.authoring import sites
from toque.authoring.endpoints import Endpoint
from toque.authoring.moves import End, Move
from toque.authoring.option_types import MoveOptions
from toque.authoring.options import checked
from toque.authoring.stated import stated
from toque.graph import assets as ir
from toque.graph.ir import CodeRef
from toque.integrations.connections.warehouse import Warehouse


class DltLoad(Move):
    """Resources of a source of dlt go into tables of one schema. Made by `dlt_load`."""

    kind = "load by dlt"
    code = CodeRef(module="toque.integrations.dlt.node", qualname="run")

    def __init__(self, source: End, into: End, constant: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        super().__init__(
            str(source.constant["qualname"]).replace(".", "_"), {"source": source, "into": into}, constant, settings
        )

    def described(self) -> tuple[ir.Asset, ...]:
        """One asset for each resource; dlt's tables of nested lists belong to the one of their resource."""
        return tuple(
            asset
            for resource in self.constant["resources"]
            for asset in self.made(
                f"{self.ends['into'].key}.{resource}",
                (ir.AssetDependency(asset=f"{self.ends['source'].key}.{resource}", observed=True),),
                "dlt",
                None,
            )
        )

    def chosen(self, keys: frozenset[str]) -> Self:
        """Only the resources whose assets are wanted."""
        root = f"{self.ends['into'].key}."
        wanted = [resource for resource in self.constant["resources"] if root + resource in keys]
        return self._changed(constant={**self.constant, "resources": wanted})


@stated(
    "A load by dlt",
    MoveOptions,
    into='into=Warehouse("warehouse")',
    schema='schema="github"',
    resources='resources=["issues"]',
)
def dlt_load(
    source: object,
    *,
    into: Warehouse,
    schema: str,
    resources: Sequence[str],
    **options: Unpack[MoveOptions],
) -> DltLoad:
    """Load what a source of dlt gives (https://dlthub.com/docs) into `schema` of a warehouse.

    `source` is a function decorated with `@dlt.source` or `@dlt.resource` at the top level of a module, called without
    arguments; dlt reads its own configuration and secrets. `resources` are named, so that a pipeline can be listed
    without running code of the source; each is the asset `<connection>.<schema>.<resource>`. How rows take effect is
    said by dlt's `write_disposition`; dlt keeps its state in the schema and under `.toque/dlt-pipelines`.
    """
    if not isinstance(into, Warehouse):
        raise sites.refuse(f"into={into!r} is no warehouse.", fix='into=Warehouse("warehouse"), schema="raw"')
    if isinstance(resources, str) or not resources:
        raise sites.refuse(f"resources={resources!r} names no resources.", fix='resources=["issues", "pulls"]')
    end = End(source, "a source of dlt")
    if "qualname" not in end.constant:
        raise sites.refuse(f"{source!r} is no source of dlt.", fix="a function made with @dlt.source")
    end.key = str(end.constant["qualname"])
    constant = {"resources": list(resources)}
    return DltLoad(end, End(Endpoint(into, schema, "schema"), "a schema"), constant, checked("move", dict(options)))
