"""The tables of syncs, beside their sources in a warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toque.data.loads.columns import Column, ColumnType, Kind
from toque.data.loads.dialects import Dialect
from toque.graph.loads import TableName
from toque.ports.warehouse import Session

if TYPE_CHECKING:
    import pyarrow as pa

SYNCS, ROWS, LOG = "_toque_syncs", "_toque_sync_rows", "_toque_sync_log"
_STAGE = TableName(name="_toque_sync_stage")


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


@dataclass(frozen=True)
class SyncTables:
    """The tables in the schema of one source."""

    session: Session
    dialect: Dialect
    source: TableName

    def prepare(self) -> None:
        """Have them there."""
        for name, columns in _TABLES.items():
            listed = ", ".join(f"{self.own(each.name)} {self.dialect.type_name(each.type)}" for each in columns)
            self.session.execute(f"CREATE TABLE IF NOT EXISTS {self.sql(name)} ({listed})")
        if self.dialect.name == "postgresql":
            index = self.dialect.quote(f"{ROWS}_key")
            self.session.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {self.sql(ROWS)} (name, key)")

    def has(self, name: str) -> bool:
        """Whether a table is there: before the first sync none is."""
        return self.session.columns(self.source.sibling(name)) is not None

    def sql(self, name: str) -> str:
        """A table, as SQL names it."""
        return self.dialect.table(self.source.sibling(name))

    def own(self, name: str) -> str:
        """A column, quoted."""
        return self.dialect.own(name)

    def add(self, name: str, columns: dict[str, list[Any]]) -> None:
        """Add rows."""
        self.session.copy_in(self.source.sibling(name), self._arrow(name, columns))

    def stage(self, keys: Sequence[str], digests: Sequence[str | None]) -> str:
        """A table of keys and digests that this session alone sees, as SQL names it."""
        stage = self.dialect.table(_STAGE)
        text = self.dialect.type_name(ColumnType("text"))
        self.session.execute(f"DROP TABLE IF EXISTS {stage}")
        self.session.execute(f"CREATE TEMPORARY TABLE {stage} (key {text}, digest {text})")
        self.session.copy_in(_STAGE, self._arrow(ROWS, {"key": list(keys), "digest": list(digests)}))
        return stage

    def _arrow(self, name: str, columns: dict[str, list[Any]]) -> pa.Table:
        import pyarrow as pa

        kinds = {"text": pa.string(), "int64": pa.int64(), "timestamptz": pa.timestamp("us", "UTC")}
        types = {each.name: kinds[each.type.kind] for each in _TABLES[name]}
        return pa.table(
            {self.dialect.physical(each): pa.array(values, types[each]) for each, values in columns.items()}
        )
