"""Sources: what changed somewhere since a cursor, as batches of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Batch:
    """Rows of one range of a source, all of the same schema.

    A cursor is text that only its source understands. A row's place among the versions of its key is
    (`order`, `sequence`), so that a row which arrives late or twice is recognised; between equal places a delete beats
    a row, and otherwise what is loaded later wins.
    """

    rows: pa.Table
    """The columns of the source and nothing else. Of a deleted row only the key must be there."""
    since: str
    """The cursor after which the batch begins; "" at the very beginning."""
    upto: str
    """The cursor that is stored with the rows: the next read begins there."""
    deleted: pa.Array | None = None
    """Booleans, one for each row; None when no row was deleted."""
    order: pa.Array | None = None
    """int64 that grows with each change: microseconds of a stamp, a number, a log position. None: later loads win."""
    sequence: pa.Array | None = None
    """int64, the place among rows of equal order; None: all the same."""
    changed_at: pa.Array | None = None
    """timestamp[us, UTC] of each change, for the spans of `Scd2`; None: the time of the load."""
    is_everything: bool = False
    """The range holds all that the source has: what is in the table and not among its rows was deleted."""
    is_complete: bool = True
    """False: the next batch belongs to the same range, and both are committed together, with that one's cursor."""
    may_repeat: bool = False
    """Rows of an earlier range may be among these, since the source reads with a lag."""
    origin: str = ""
    """Where a person would look for these rows, such as a file; for messages only."""


class Source(Protocol):
    """Something that rows come from."""

    @property
    def name(self) -> str:
        """Stable for ever, since cursors are kept under it: `crm.Contact`, `app.public.events`."""
        ...

    def read(self, cursor: str) -> Iterator[Batch]:
        """What changed since `cursor`, up to now; "" reads everything.

        Rows at `cursor` itself may come again. The iterator is closed when the load is over, whatever happened.
        """
        ...

    def confirm(self, cursor: str) -> None:
        """Everything up to `cursor` is committed in the target: the source may forget it. Often nothing to do."""
        ...
