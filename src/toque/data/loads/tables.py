"""The tables of a load: the target, what Toque keeps beside it, and the two that live as long as a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toque.data.loads.columns import Column, ColumnType, find
from toque.data.loads.dialects import Dialect
from toque.data.loads.drift import Shape
from toque.graph.loads import SCD2_COLUMNS, AnyMode, Merge, Scd2, TableName, Upsert

INT = ColumnType("int64")
TEXT = ColumnType("text")
BOOL = ColumnType("bool")
STAMP = ColumnType("timestamptz")
STAGING = "_toque_staging_"
"""How the name of the table begins in which rows wait for their checks."""

ORDER, SEQUENCE, DELETED = "_toque_order", "_toque_sequence", "_toque_deleted"
ROW, ACTION, CHANGED_AT = "_toque_row", "_toque_action", "_toque_changed_at"
VALID_FROM, VALID_TO, IS_CURRENT = SCD2_COLUMNS

LEDGER_COLUMNS = (
    Column("target", TEXT),
    Column("number", INT),
    Column("batch_id", TEXT),
    Column("source", TEXT),
    Column("since", TEXT),
    Column("upto", TEXT),
    Column("inserted", INT),
    Column("updated", INT),
    Column("deleted", INT),
    Column("ignored", INT),
    Column("loaded_at", STAMP),
)


def places(mode: AnyMode) -> bool:
    """Whether rows of the target know their place among the versions of their key."""
    return isinstance(mode, Upsert | Merge | Scd2)


def buries(mode: AnyMode) -> bool:
    """Whether deletes are remembered: a row that arrives late must not rise again."""
    return isinstance(mode, Scd2) or (isinstance(mode, Merge) and mode.deletes != "ignore")


def own_columns(mode: AnyMode, dialect: Dialect) -> list[Column]:
    """What the target has besides the columns of the source."""
    return [Column(dialect.physical(each.name), each.type) for each in _own_columns(mode)]


def _own_columns(mode: AnyMode) -> tuple[Column, ...]:
    match mode:
        case Scd2():
            spans = (Column(VALID_FROM, STAMP), Column(VALID_TO, STAMP), Column(IS_CURRENT, BOOL))
            return (*spans, Column(ORDER, INT), Column(SEQUENCE, INT))
        case Merge(deletes="soft"):
            return (Column(ORDER, INT), Column(SEQUENCE, INT), Column(DELETED, BOOL))
        case Upsert() | Merge():
            return (Column(ORDER, INT), Column(SEQUENCE, INT))
        case _:
            return ()


@dataclass(frozen=True)
class Tables:
    """The names of all tables of one load."""

    target: TableName
    dialect: Dialect

    @property
    def ledger(self) -> TableName:
        """What was loaded into the tables of this schema, and up to where."""
        return self.target.sibling("_toque_loads")

    @property
    def tombstones(self) -> TableName:
        """The deleted keys, each with the place of its delete."""
        return self.target.sibling(f"_toque_tombstones_{self.target.name}")

    @property
    def lock(self) -> TableName:
        """One row; who updates it loads alone."""
        return self.target.sibling(f"_toque_lock_{self.target.name}")

    @property
    def staging(self) -> TableName:
        """The rows of a batch; temporary, so that two sessions never share one and a crash leaves none."""
        return TableName(name=f"{STAGING}{self.target.name}")

    @property
    def plan(self) -> TableName:
        """What becomes of each staged row; temporary."""
        return TableName(name=f"_toque_plan_{self.target.name}")

    def kept(self) -> list[str]:
        """DDL of what every load needs, whatever its rows are."""
        dialect = self.dialect
        key = f", PRIMARY KEY ({dialect.own('target')}, {dialect.own('number')})" if dialect.has_keys else ""
        statements = [f"CREATE SCHEMA IF NOT EXISTS {self._schema()}"] if self.target.schema else []
        statements.append(f"CREATE TABLE IF NOT EXISTS {dialect.table(self.ledger)} ({self._own(LEDGER_COLUMNS)}{key})")
        if dialect.name == "snowflake":
            lock = dialect.table(self.lock)
            statements += [
                f"CREATE TABLE IF NOT EXISTS {lock} ({self._own([Column('holder', TEXT)])})",
                f"INSERT INTO {lock} SELECT '' WHERE NOT EXISTS (SELECT 1 FROM {lock})",
            ]
        return statements

    def shaped(self, shape: Shape, mode: AnyMode, existing: Sequence[Column] | None) -> list[str]:
        """DDL that gives the target its columns, and makes the tombstones."""
        dialect = self.dialect
        statements: list[str] = []
        target = dialect.table(self.target)
        if existing is None:
            columns = [*shape.added, *own_columns(mode, dialect)]
            keys = ", ".join(map(dialect.quote, shape.keys(mode)))
            is_unique = isinstance(mode, Upsert | Merge) and dialect.name == "postgresql"
            primary = f", PRIMARY KEY ({keys})" if is_unique else ""
            statements.append(f"CREATE TABLE IF NOT EXISTS {target} ({self._columns(columns)}{primary})")
        else:
            own = [each for each in own_columns(mode, dialect) if find(existing, each.name) is None]
            statements += [self._add(self.target, each) for each in (*shape.added, *own)]
            statements += [self._retype(self.target, each) for each in shape.altered]
        if buries(mode):
            statements += self._tombstones(shape, mode)
        return statements

    def temporary(self, shape: Shape) -> list[str]:
        """DDL of the staging table and the plan, empty."""
        dialect = self.dialect
        staging, plan = dialect.table(self.staging), dialect.table(self.plan)
        columns = ", ".join(
            (self._columns([Column(each.name, each.type) for each in shape.columns]), self._own(STAGED))
        )
        return [
            f"DROP TABLE IF EXISTS {staging}",
            f"DROP TABLE IF EXISTS {plan}",
            f"CREATE TEMPORARY TABLE {staging} ({columns})",
            f"CREATE TEMPORARY TABLE {plan} ({self._own([Column(ROW, INT), Column(ACTION, TEXT)])})",
        ]

    def reshaped(self, old: Shape, new: Shape) -> list[str]:
        """DDL that lets the staging table hold rows of another shape, too."""
        had = {each.name: each.type for each in old.columns}
        columns = [Column(each.name, each.type) for each in new.columns]
        added = [self._add(self.staging, each) for each in columns if each.name not in had]
        changed = [each for each in columns if each.name in had and had[each.name] != each.type]
        return added + [self._retype(self.staging, each) for each in changed]

    def _tombstones(self, shape: Shape, mode: AnyMode) -> list[str]:
        types = {each.name: each.type for each in shape.columns}
        keys = {key: types[key] for key in shape.keys(mode)}
        own = self._own([Column(ORDER, INT), Column(SEQUENCE, INT), Column(CHANGED_AT, STAMP)])
        columns = f"{self._columns([Column(*each) for each in keys.items()])}, {own}"
        made = f"CREATE TABLE IF NOT EXISTS {self.dialect.table(self.tombstones)} ({columns})"
        return [made, *(self._retype(self.tombstones, each) for each in shape.altered if each.name in keys)]

    def _schema(self) -> str:
        parts = (self.target.catalog, self.target.schema)
        return ".".join(self.dialect.own(part) for part in parts if part)

    def _own(self, columns: Sequence[Column]) -> str:
        return self._columns([Column(self.dialect.physical(each.name), each.type) for each in columns])

    def _columns(self, columns: Sequence[Column]) -> str:
        return ", ".join(f"{self.dialect.quote(each.name)} {self.dialect.type_name(each.type)}" for each in columns)

    def _add(self, table: TableName, column: Column) -> str:
        of = f"{self.dialect.quote(column.name)} {self.dialect.type_name(column.type)}"
        return f"ALTER TABLE {self.dialect.table(table)} ADD COLUMN {of}"

    def _retype(self, table: TableName, column: Column) -> str:
        words = "TYPE" if self.dialect.name != "snowflake" else "SET DATA TYPE"
        changed = f"ALTER COLUMN {self.dialect.quote(column.name)} {words} {self.dialect.type_name(column.type)}"
        return f"ALTER TABLE {self.dialect.table(table)} {changed}"


STAGED = (
    Column(ROW, INT),
    Column(ORDER, INT),
    Column(SEQUENCE, INT),
    Column(DELETED, BOOL),
    Column(CHANGED_AT, STAMP),
)
