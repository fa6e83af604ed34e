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

from toque.data.loads.columns import Column, ColumnType, Kind
from toque.data.loads.dialects import Dialect
from toque.data.syncs.acknowledging import Fold, Line, Status
from toque.data.syncs.deviations import Past
from toque.data.syncs.diff import Acknowledged
from toque.graph.loads import TableName
from toque.graph.syncs import SyncSpec
from toque.ports.warehouse import Session

if TYPE_CHECKING:
    import pyarrow as pa

SYNCS, ROWS, LOG = "_toque_syncs", "_toque_sync_rows", "_toque_sync_log"
_JSON = msgspec.json.Encoder(enc_hook=str, decimal_format="number")
_STAGE = TableName(name="_toque_sync_stage")
_ENDED = "('succeeded', 'rejected')"
"""States of runs in which everything was sent."""
_RUN = 1 << 32
"""Lines of a sync are numbered from its run times this: numbers grow even if a sync forgets its last ones."""


def _columns(**kinds: Kind) -> list[Column]:
    return [Column(name, ColumnType(kind)) for name, kind in kinds.items()]


_TABLES = {
    SYNCS: _columns(
        name="text", run="int64", started_at="timestamptz", ended_at="timestamptz", state="text", mapping="text",
        rows="int64", sent="int64", result="text", folded="int64",
    ),
    ROWS: _columns(name="text", key="text", digest="text"),
    LOG: _columns(
        name="text", run="int64", seq="int64", at="timestamptz", key="text", operation="text", status="text",
        reason="text", record_id="text", digest="text", payload="text",
    ),
}  # fmt: skip


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
        self._dialect = dialect
        self._spec = spec
        self.run = 0
        self._seq = 0

    def prepare(self) -> None:
        """Have the tables there."""
        for name, columns in _TABLES.items():
            listed = ", ".join(f"{self._own(each.name)} {self._dialect.type_name(each.type)}" for each in columns)
            self._session.execute(f"CREATE TABLE IF NOT EXISTS {self._table(name)} ({listed})")
        if self._dialect.name == "postgresql":
            index = self._dialect.quote(f"{ROWS}_key")
            self._session.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {self._table(ROWS)} (name, key)")

    def acknowledged(self) -> Acknowledged:
        """What the destination has, as far as is known now. Writes nothing."""
        if self._session.columns(self._spec.source.sibling(ROWS)) is None:
            return {}
        before, changes = self._folded()
        after = {**before, **changes}
        return {key: digest for key, digest in after.items() if digest is not None}

    def begin(self, mapping: str, at: datetime) -> None:
        """A new run. What earlier ones left in the log is folded first."""
        self.fold()
        last = self._session.fetch(f"SELECT max(run) FROM {self._table(SYNCS)} WHERE name = ?", (self._spec.name,))
        self.run = int(last[0][0] or 0) + 1
        self._seq = self.run * _RUN
        row: dict[str, Any] = {
            "name": self._spec.name,
            "run": self.run,
            "started_at": at,
            "state": "running",
            "mapping": mapping,
        }
        self._add(SYNCS, {name: [value] for name, value in (row | {"folded": self._folded_upto()}).items()})

    def append(self, lines: Sequence[LogLine], at: datetime) -> None:
        """Write lines into the log; they are there when this returns."""
        if not lines:
            return
        count = len(lines)
        first = self._seq + 1
        self._seq += count
        self._add(
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
        last = f"SELECT coalesce(max(run), 0) FROM {self._table(SYNCS)} WHERE name = ? AND state IN {_ENDED}"
        where = f"name = ? AND status = 'noted' AND run > ({last})"
        given = (self._spec.name, self._spec.name)
        found = self._session.fetch(f"SELECT reason FROM {self._table(LOG)} WHERE {where} ORDER BY seq", given)
        return [str(receipt) for (receipt,) in found]

    def fold(self) -> None:
        """Bring what the log says into the table of what was acknowledged."""
        since = (self._spec.name, self._folded_upto())
        upto = self._session.fetch(f"SELECT max(seq) FROM {self._table(LOG)} WHERE name = ? AND seq > ?", since)[0][0]
        if upto is None:
            return
        _, changes = self._folded()
        self._stage(changes)
        rows, stage, name = self._table(ROWS), self._dialect.table(_STAGE), self._spec.name
        with self._session.transaction():
            self._session.execute(f"DELETE FROM {rows} WHERE name = ? AND key IN (SELECT key FROM {stage})", (name,))
            self._session.execute(
                f"INSERT INTO {rows} (name, key, digest) SELECT name, key, digest FROM {stage} WHERE digest IS NOT NULL"
            )
            self._session.execute(f"UPDATE {self._table(SYNCS)} SET folded = ? WHERE name = ?", (int(upto), name))

    def finish(self, state: str, counted: tuple[int, int], result: msgspec.Struct, at: datetime) -> None:
        """Remember how the run ended; forget the lines of runs that are long past."""
        self.fold()
        rows, sent = counted
        self._session.execute(
            f"UPDATE {self._table(SYNCS)} SET ended_at = ?, state = ?, {self._own('rows')} = ?, sent = ?, result = ?"
            " WHERE name = ? AND run = ?",
            (at, state, rows, sent, msgspec.json.encode(result).decode(), self._spec.name, self.run),
        )
        oldest = self.run - self._spec.keep_runs
        self._session.execute(f"DELETE FROM {self._table(LOG)} WHERE name = ? AND run <= ?", (self._spec.name, oldest))

    def past(self) -> list[Past]:
        """Earlier runs that went to their end, in order of time."""
        if self._session.columns(self._spec.source.sibling(SYNCS)) is None:
            return []
        found = self._session.fetch(
            f"SELECT {self._own('rows')}, sent, mapping FROM {self._table(SYNCS)}"
            f" WHERE name = ? AND state IN {_ENDED} ORDER BY run",
            (self._spec.name,),
        )
        return [Past(int(rows), int(sent), str(mapping)) for rows, sent, mapping in found]

    def _folded(self) -> tuple[Acknowledged, dict[str, str | None]]:
        """What the table holds, and what the lines that are not folded yet change of it."""
        name = (self._spec.name,)
        before: Acknowledged = {}
        for table in self._session.stream(f"SELECT key, digest FROM {self._table(ROWS)} WHERE name = ?", name):
            before.update(zip(*(column.to_pylist() for column in table.columns), strict=True))
        fold = Fold(before)
        lines = f"SELECT key, status, digest FROM {self._table(LOG)} WHERE name = ? AND seq > ? ORDER BY seq"
        for table in self._session.stream(lines, (*name, self._folded_upto())):
            for line in _lines(table):
                fold.line(line)
        return before, fold.changes()

    def _folded_upto(self) -> int:
        found = self._session.fetch(f"SELECT max(folded) FROM {self._table(SYNCS)} WHERE name = ?", (self._spec.name,))
        return int(found[0][0] or 0)

    def _stage(self, changes: dict[str, str | None]) -> None:
        stage = self._dialect.table(_STAGE)
        text = self._dialect.type_name(ColumnType("text"))
        self._session.execute(f"DROP TABLE IF EXISTS {stage}")
        self._session.execute(f"CREATE TEMPORARY TABLE {stage} (name {text}, key {text}, digest {text})")
        names = [self._spec.name] * len(changes)
        columns: dict[str, list[Any]] = {"name": names, "key": list(changes), "digest": list(changes.values())}
        self._session.copy_in(_STAGE, self._arrow(ROWS, columns))

    def _add(self, name: str, columns: dict[str, list[Any]]) -> None:
        self._session.copy_in(self._spec.source.sibling(name), self._arrow(name, columns))

    def _arrow(self, name: str, columns: dict[str, list[Any]]) -> pa.Table:
        import pyarrow as pa

        kinds = {"text": pa.string(), "int64": pa.int64(), "timestamptz": pa.timestamp("us", "UTC")}
        types = {each.name: kinds[each.type.kind] for each in _TABLES[name]}
        return pa.table(
            {self._dialect.physical(each): pa.array(values, types[each]) for each, values in columns.items()}
        )

    def _table(self, name: str) -> str:
        return self._dialect.table(self._spec.source.sibling(name))

    def _own(self, name: str) -> str:
        return self._dialect.own(name)


def _text(payload: dict[str, Any] | None) -> str | None:
    return None if payload is None else _JSON.encode(payload).decode()


def _lines(table: pa.Table) -> Iterator[Line]:
    for key, status, digest in zip(*(column.to_pylist() for column in table.columns), strict=True):
        yield Line(key, status, digest or "")
