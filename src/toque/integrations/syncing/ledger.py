"""What is kept of syncs, beside their source in the warehouse: what was acknowledged, the log of records, past syncs.

The log is only ever added to: a line before a record is sent, one after the answer. That is quick in any warehouse, and
all that a crash can leave behind is a line without an answer. `fold` brings what the lines mean into the table of what
was acknowledged, in one transaction; `data/syncs/acknowledging.py` says what they mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from toque.data.loads.dialects import Dialect
from toque.data.syncs.acknowledging import Fold, Line, Status
from toque.data.syncs.deviations import Past
from toque.data.syncs.diff import Acknowledged
from toque.graph.syncs import SyncSpec
from toque.integrations.syncing.tables import LOG, ROWS, SYNCS, SyncTables
from toque.ports.warehouse import Session

if TYPE_CHECKING:
    import pyarrow as pa

_JSON = msgspec.json.Encoder(enc_hook=str, decimal_format="number")
_ENDED = "('succeeded', 'rejected')"
"""States of runs in which everything was sent."""
_RUN = 1 << 32
"""Lines of a sync are numbered from its run times this: numbers grow even if a sync forgets its last ones."""


class LogLine(msgspec.Struct, frozen=True):
    """One line of the log of records."""

    key: str
    operation: str
    status: Status
    digest: str = ""
    reason: str = ""
    record_id: str = ""
    payload: dict[str, Any] | None = None


class SyncLedger:
    """What is kept of one sync."""

    def __init__(self, session: Session, dialect: Dialect, spec: SyncSpec) -> None:
        self._session = session
        self._tables = SyncTables(session, dialect, spec.source)
        self._spec = spec
        self.run = 0
        self._seq = 0

    def prepare(self) -> None:
        """Have the tables there."""
        self._tables.prepare()

    def acknowledged(self) -> Acknowledged:
        """What the destination has, as far as is known now. Writes nothing."""
        if not self._tables.has(ROWS):
            return {}
        before, changes = self._folded()
        after = {**before, **changes}
        return {key: digest for key, digest in after.items() if digest is not None}

    def begin(self, mapping: str, at: datetime) -> None:
        """A new run. What earlier ones left in the log is folded first."""
        self.fold()
        last = self._session.fetch(f"SELECT max(run) FROM {self._tables.sql(SYNCS)} WHERE name = ?", (self._spec.name,))
        self.run = int(last[0][0] or 0) + 1
        self._seq = self.run * _RUN
        row: dict[str, Any] = {
            "name": self._spec.name,
            "run": self.run,
            "started_at": at,
            "state": "running",
            "mapping": mapping,
        }
        self._tables.add(SYNCS, {name: [value] for name, value in (row | {"folded": self._folded_upto()}).items()})

    def append(self, lines: Sequence[LogLine], at: datetime) -> None:
        """Write lines into the log; they are there when this returns."""
        if not lines:
            return
        count = len(lines)
        first = self._seq + 1
        self._seq += count
        self._tables.add(
            LOG,
            {
                "name": [self._spec.name] * count,
                "run": [self.run] * count,
                "seq": list(range(first, first + count)),
                "at": [at] * count,
                "key": [line.key for line in lines],
                "operation": [line.operation for line in lines],
                "status": [line.status for line in lines],
                "reason": [line.reason for line in lines],
                "record_id": [line.record_id for line in lines],
                "digest": [line.digest for line in lines],
                "payload": [_text(line.payload) for line in lines],
            },
        )

    def note(self, receipt: str, at: datetime) -> None:
        """Remember something that the destination has begun, and that goes on without us."""
        self.append([LogLine("", "", "noted", reason=receipt)], at)

    def unsettled(self) -> list[str]:
        """What was begun since the last run that went to its end."""
        last = f"SELECT coalesce(max(run), 0) FROM {self._tables.sql(SYNCS)} WHERE name = ? AND state IN {_ENDED}"
        where = f"name = ? AND status = 'noted' AND run > ({last})"
        given = (self._spec.name, self._spec.name)
        found = self._session.fetch(f"SELECT reason FROM {self._tables.sql(LOG)} WHERE {where} ORDER BY seq", given)
        return [str(receipt) for (receipt,) in found]

    def fold(self) -> None:
        """Bring what the log says into the table of what was acknowledged."""
        since = (self._spec.name, self._folded_upto())
        upto = self._session.fetch(f"SELECT max(seq) FROM {self._tables.sql(LOG)} WHERE name = ? AND seq > ?", since)[
            0
        ][0]
        if upto is None:
            return
        _, changes = self._folded()
        stage = self._tables.stage(list(changes), list(changes.values()))
        rows, name = self._tables.sql(ROWS), self._spec.name
        with self._session.transaction():
            self._session.execute(f"DELETE FROM {rows} WHERE name = ? AND key IN (SELECT key FROM {stage})", (name,))
            self._session.execute(
                f"INSERT INTO {rows} (name, key, digest) SELECT ?, key, digest FROM {stage} WHERE digest IS NOT NULL",
                (name,),
            )
            self._session.execute(f"UPDATE {self._tables.sql(SYNCS)} SET folded = ? WHERE name = ?", (int(upto), name))

    def finish(self, state: str, counted: tuple[int, int], result: msgspec.Struct, at: datetime) -> None:
        """Remember how the run ended; forget the lines of runs that are long past."""
        self.fold()
        rows, sent = counted
        self._session.execute(
            f"UPDATE {self._tables.sql(SYNCS)} SET ended_at = ?, state = ?, {self._tables.own('rows')} = ?, sent = ?,"
            " result = ? WHERE name = ? AND run = ?",
            (at, state, rows, sent, msgspec.json.encode(result).decode(), self._spec.name, self.run),
        )
        oldest = self.run - self._spec.keep_runs
        self._session.execute(
            f"DELETE FROM {self._tables.sql(LOG)} WHERE name = ? AND run <= ?", (self._spec.name, oldest)
        )

    def last_change(self) -> int:
        """The last run in which anything was sent; 0 before there was one."""
        found = self._session.fetch(
            f"SELECT max(run) FROM {self._tables.sql(SYNCS)} WHERE name = ? AND sent > 0", (self._spec.name,)
        )
        return int(found[0][0] or 0)

    def past(self) -> list[Past]:
        """Earlier runs that went to their end, in order of time."""
        if not self._tables.has(SYNCS):
            return []
        found = self._session.fetch(
            f"SELECT {self._tables.own('rows')}, sent, mapping FROM {self._tables.sql(SYNCS)}"
            f" WHERE name = ? AND state IN {_ENDED} ORDER BY run",
            (self._spec.name,),
        )
        return [Past(int(rows), int(sent), str(mapping)) for rows, sent, mapping in found]

    def _folded(self) -> tuple[Acknowledged, dict[str, str | None]]:
        """What the table holds, and what the lines that are not folded yet change of it."""
        name = (self._spec.name,)
        before: Acknowledged = {}
        for table in self._session.stream(f"SELECT key, digest FROM {self._tables.sql(ROWS)} WHERE name = ?", name):
            before.update(zip(*(column.to_pylist() for column in table.columns), strict=True))
        fold = Fold(before)
        lines = f"SELECT key, status, digest FROM {self._tables.sql(LOG)} WHERE name = ? AND seq > ? ORDER BY seq"
        for table in self._session.stream(lines, (*name, self._folded_upto())):
            for line in _lines(table):
                fold.line(line)
        return before, fold.changes()

    def _folded_upto(self) -> int:
        found = self._session.fetch(
            f"SELECT max(folded) FROM {self._tables.sql(SYNCS)} WHERE name = ?", (self._spec.name,)
        )
        return int(found[0][0] or 0)


def _text(payload: dict[str, Any] | None) -> str | None:
    return None if payload is None else _JSON.encode(payload).decode()


def _lines(table: pa.Table) -> Iterator[Line]:
    for key, status, digest in zip(*(column.to_pylist() for column in table.columns), strict=True):
        yield Line(key, status, digest or "")
