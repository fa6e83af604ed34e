"""Syncs in the IR: how rows of a table become records of a system outside, as values."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from toque.graph import constants
from toque.graph.expr import Const
from toque.graph.ir import Pipeline, TaskNode
from toque.graph.loads import Mode, TableName, Upsert
from toque.graph.value import IRValue

OnDelete: TypeAlias = Literal["keep", "clear", "delete"]
"""What becomes of the record of a row that is gone: nothing, its mapped fields are emptied, or it is deleted."""


class Update(Mode, frozen=True, tag="update"):
    """Records that exist are changed; a row without a record is rejected, and tried again each time."""

    key: str | tuple[str, ...]


class Create(Mode, frozen=True, tag="create"):
    """New rows become records. What exists is never touched again."""

    key: str | tuple[str, ...]


class Mirror(Mode, frozen=True, tag="mirror"):
    """As `Upsert`, and the records of rows that are gone are deleted. What this sync never sent is left alone."""

    key: str | tuple[str, ...]


AnySyncMode: TypeAlias = Upsert | Update | Create | Mirror


class Guard(IRValue, frozen=True):
    """What is unusual enough to be said, or to stop a sync before it sends anything. Below 1 a share, else a count."""

    deletes: float = 0.2
    """More records than so are to be deleted or emptied, and at least ten: the sync stops. An empty source table would
    otherwise empty the destination."""
    rows: float = 0.5
    """The number of rows differs from the usual by more than this share: said."""
    full_sync: Literal["warn", "stop", "ignore"] = "warn"
    """Nearly every row is to be sent although the mapping is what it was, and usually few are."""
    rejected: float = 0.05
    """More records than so are rejected: said."""


class SyncSpec(IRValue, frozen=True, kw_only=True):
    """Everything about a sync but the connections of its two ends."""

    name: str
    """Stable for ever: what was acknowledged is kept under it."""
    source: TableName
    mode: AnySyncMode
    """Its key names fields of the destination."""
    fields: dict[str, str]
    """Column to field. The key's fields come from the columns mapped to them, else from those of the same name."""
    on_delete: OnDelete | None = None
    """None: `delete` for `Mirror`, `keep` for all other modes."""
    tolerate: float = 0.0
    """So many records may be rejected before the sync fails, all others sent. Below 1 a share, else a count."""
    guard: Guard = Guard()
    keep_runs: int = 30
    """The log of records is kept for so many syncs."""

    @property
    def deletes(self) -> OnDelete:
        """What becomes of the record of a row that is gone."""
        return self.on_delete or ("delete" if isinstance(self.mode, Mirror) else "keep")


CODE = "toque.integrations.syncing.node"
"""The module of the code of every node that is a sync."""
PREVIEW = "preview"
"""The pipeline that runs of previews belong to; what the author calls theirs may have the same name."""


class SyncNode(IRValue, frozen=True, kw_only=True):
    """What the node of a sync says."""

    spec: SyncSpec
    source: str
    """Key of the asset that is read."""
    into: str
    """Key of what is written."""


def sync_of(node: object) -> SyncNode | None:
    """What a node says, if it is a sync."""
    if not isinstance(node, TaskNode) or node.code.module != CODE:
        return None
    told = {name: constants.decode(each.value) for name, each in node.kwargs.items() if isinstance(each, Const)}
    spec = msgspec.convert(told["spec"], SyncSpec)
    return SyncNode(spec=spec, source=told["source"]["key"], into=told["into"]["key"])


def preview_of(pipeline: Pipeline, task: str) -> Pipeline | None:
    """A pipeline that does nothing but preview a sync of another one: it waits for nothing, and writes nothing."""
    for node in pipeline.nodes:
        if node.id == task and isinstance(node, TaskNode) and sync_of(node) is not None:
            alone = msgspec.structs.replace(
                node,
                upstream=(),
                guards=(),
                rule="all_success",
                scope="",
                writes=(),
                kwargs={**node.kwargs, "dry_run": Const(value=True)},
            )
            meta = msgspec.structs.replace(pipeline.meta, doc=f"What the sync {task} of {pipeline.name} would do.")
            return Pipeline(name=PREVIEW, nodes=(alone,), meta=meta, origin=pipeline.origin)
    return None
