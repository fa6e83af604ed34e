"""What a load did, as a value that a task can return."""

from __future__ import annotations

import msgspec


class LoadResult(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of rows over all batches of a load, and what became of the schema."""

    table: str
    source: str
    cursor: str
    """Where the next load begins."""
    batches: int = 0
    repeated: int = 0
    """Batches that had been loaded before, and were not loaded again."""
    read: int = 0
    """Rows that the source gave."""
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    set_aside: int = 0
    """Rows that a check has put into the rejects."""
    added_columns: tuple[str, ...] = ()
    altered_columns: tuple[str, ...] = ()
    left_out_columns: tuple[str, ...] = ()
    """New columns that the contract keeps out."""
    absent_columns: tuple[str, ...] = ()
    """Columns of the table that the source does not have (any more)."""

    @property
    def ignored(self) -> int:
        """Rows that changed nothing: repeated, late, or not wanted by the mode. A full refresh may clear more."""
        return max(self.read - self.inserted - self.updated - self.deleted - self.set_aside, 0)

    @property
    def changed(self) -> int:
        """Rows of the table that are other than before."""
        return self.inserted + self.updated + self.deleted

    def __str__(self) -> str:
        counts = f"{self.inserted:,} inserted, {self.updated:,} updated, {self.deleted:,} deleted"
        aside = f", {self.set_aside:,} set aside" if self.set_aside else ""
        return f"{self.table}: {counts}, {self.ignored:,} ignored{aside}"
