"""What is kept of syncs, beside their source in the warehouse: what was acknowledged, the log of records, past syncs.

The log is only ever added to: a line before a record is sent, one after the answer. That is quick in any warehouse, and
all that a crash can leave behind is a line without an answer. `fold` brings what the lines mean into the table of what
was acknowledged, in one transaction; `data/syncs/acknowledging.py` says what they mean.
"""

from __future__ import annotations

import json
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
_STAGE = TableName(name="_toque_sync_stage")
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
        row = {"name": self._spec.name, "run": self.run, "started_at": at, "state": "running", "mapping": mapping}
        self._add(SYNCS, [row | {"folded": self._folded_upto()}])

    def append(self, lines: Sequence[LogLine], at: datetime) -> None:
        """Write lines into the log; they are there when this returns."""
        rows = []
        for line in lines:
            self._seq += 1
            payload = json.dumps(line.payload, ensure_ascii=False, default=str) if line.payload is not None else None
            fields = msgspec.structs.asdict(line) | {"payload": payload}
            rows.append({"name": self._spec.name, "run": self.run, "seq": self._seq, "at": at, **fields})
        if rows:
            self._add(LOG, rows)

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
            " WHERE name = ? AND state IN ('succeeded', 'rejected') ORDER BY run",
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
        rows = [{"name": self._spec.name, "key": key, "digest": digest} for key, digest in changes.items()]
        self._session.copy_in(_STAGE, self._arrow(ROWS, rows))

    def _add(self, name: str, rows: list[dict[str, Any]]) -> None:
        self._session.copy_in(self._spec.source.sibling(name), self._arrow(name, rows))

    def _arrow(self, name: str, rows: list[dict[str, Any]]) -> pa.Table:
        import pyarrow as pa

        kinds = {"text": pa.string(), "int64": pa.int64(), "timestamptz": pa.timestamp("us", "UTC")}
        fields = [pa.field(each.name, kinds[each.type.kind]) for each in _TABLES[name]]
        table = pa.Table.from_pylist(rows, pa.schema(fields))
        return table.rename_columns([self._dialect.physical(each) for each in table.column_names])

    def _table(self, name: str) -> str:
        return self._dialect.table(self._spec.source.sibling(name))

    def _own(self, name: str) -> str:
        return self._dialect.own(name)


def _lines(table: pa.Table) -> Iterator[Line]:
    for key, status, digest in zip(*(column.to_pylist() for column in table.columns), strict=True):
        yield Line(key, status, digest or "")
