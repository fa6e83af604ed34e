"""Syncs in the IR: how rows of a table become records of a system outside, as values."""

from __future__ import annotations

from typing import Literal, TypeAlias

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
