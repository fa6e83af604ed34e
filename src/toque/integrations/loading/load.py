"""A load, from the cursor in the ledger to the last confirmed batch. `data/loads/recipe.py` says why it is safe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from typing import Any

import msgspec

from toque.data.loads.recipe import KEPT_LOADS, Ledger, plan_counts, steps
from toque.data.loads.result import LoadResult
from toque.data.loads.shaped import Shaped
from toque.data.loads.tables import LEDGER_COLUMNS, Tables
from toque.errors import DataError, TransientError
from toque.graph.loads import LoadSpec, Replace
from toque.integrations.loading.gate import Gate
from toque.integrations.loading.staging import Staging
from toque.ports.sources import Batch, Source
from toque.ports.warehouse import Session, Warehouse


def load(
    source: Source,
    warehouse: Warehouse,
    spec: LoadSpec,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    on_commit: Callable[[LoadResult], None] = lambda _: None,
    gate: Gate | None = None,
) -> LoadResult:
    """Bring what changed in `source` since the last load into `spec.table`.

    Whatever interrupts it, the table is as if the batches that were committed had been loaded once and the others
    never, and the next call goes on from there. `on_commit` hears the result so far after each commit. `gate` checks
    each batch before it takes effect.

    Raises `DataError` when the rows do not fit the contract, `TransientError` when another load of the same table
    from the same source got ahead.
    """
    with warehouse.session() as session:
        loader = Loader(session, warehouse, spec, source.name, now, gate=gate)
        is_refresh = isinstance(spec.mode, Replace)
        with closing(_iterator(source.read("" if is_refresh else loader.cursor))) as batches:
            for batch in batches:
                loader.stage(batch)
                if batch.is_complete and not is_refresh and loader.commit():
                    source.confirm(loader.cursor)
                    on_commit(loader.result)
            # A full refresh is one range, whatever its source calls complete.
            if is_refresh and loader.commit():
                source.confirm(loader.cursor)
                on_commit(loader.result)
        return loader.result


def start_over(source: Source, warehouse: Warehouse, spec: LoadSpec) -> None:
    """Forget the cursor: the next load reads everything again. The rows that are there stay until then.

    For when the source has lost changes: a replication slot that is gone, events that were kept for three days only.
    """
    with warehouse.session() as session:
        Loader(session, warehouse, spec, source.name, lambda: datetime.now(UTC)).forget()


def load_batch(
    batch: Batch,
    warehouse: Warehouse,
    spec: LoadSpec,
    *,
    source: str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> LoadResult:
    """Load one batch that somebody else has read; one that was loaded before changes nothing.

    Batches may come in any order: the place of each row decides.
    """
    with warehouse.session() as session:
        loader = Loader(session, warehouse, spec, source, now, follows_cursor=False)
        loader.stage(batch)
        loader.commit()
        return loader.result


def load_rows(rows: Any, warehouse: Warehouse, spec: LoadSpec, *, source: str, key: str = "") -> LoadResult:
    """Load a table that a task computed: Arrow, pandas or polars.

    `key` names what the rows are of, such as a day: the same rows under the same key are loaded once.
    """
    import pyarrow as pa

    table = rows if isinstance(rows, pa.Table) else _table(rows)
    return load_batch(Batch(rows=table, since=key, upto=key), warehouse, spec, source=source)


class Loader:
    """One load of one table, in one session."""

    def __init__(
        self,
        session: Session,
        warehouse: Warehouse,
        spec: LoadSpec,
        source: str,
        now: Callable[[], datetime],
        *,
        follows_cursor: bool = True,
        gate: Gate | None = None,
    ) -> None:
        self._session = session
        self._spec = spec
        self._source = source
        self._now = now
        self._follows_cursor = follows_cursor
        self._gate = gate
        self._target = str(spec.table)
        self._tables = Tables(spec.table, warehouse.dialect)
        self._ledger = Ledger(self._tables)
        self._staging: Staging | None = None
        last_made = self._tables.lock if warehouse.dialect.name == "snowflake" else self._tables.ledger
        if session.columns(last_made) is None:
            for statement in self._tables.kept():
                session.execute(statement)
        self._number, cursor = self._last()
        self.result = LoadResult(table=self._target, source=source, cursor=cursor)

    @property
    def cursor(self) -> str:
        """Up to where the table holds the source."""
        return self.result.cursor

    def stage(self, batch: Batch) -> None:
        """Bring the rows near; the target's columns may change, its rows do not."""
        if self._staging is None:
            if self._tells_no_type(batch):
                return
            number = self._session.fetch(self._ledger.next_number(), [self._target])[0][0]
            self._staging = Staging(self._session, self._tables, self._spec, number=number, now=self._now())
        try:
            self._staging.add(batch)
        except DataError as error:
            if batch.origin:
                error.add_note(f"These rows are in {batch.origin}.")
            raise

    def commit(self) -> bool:
        """Everything staged takes effect, or nothing; False when there was nothing to do."""
        staging, self._staging = self._staging, None
        if staging is None or not (staging.rows or staging.upto != self.cursor or self._is_replacing):
            return False
        batch_id = staging.batch_id(self._source)
        shaped = self._shaped(staging)
        around = nullcontext() if self._gate is None else self._gate.around(self._session, shaped)
        set_aside = 0
        with around, self._session.transaction():
            lock = self._ledger.lock()
            self._session.execute(lock.sql, [self._target])
            is_known = bool(self._session.fetch(self._ledger.is_known(), [self._target, batch_id]))
            if not is_known:
                self._check_cursor()
                if self._gate is not None:
                    set_aside = self._gate.sort(self._session, shaped, batch_id)
                counts = self._apply(shaped, staging)
                if self._gate is not None:
                    self._gate.judge(self._session, self._tables, self._spec.mode, batch_id)
                self._number = self._write_entry(batch_id, staging.since, staging.upto, counts, staging.rows)
        if is_known:
            self.result = msgspec.structs.replace(self.result, repeated=self.result.repeated + 1)
        else:
            self._count(staging, counts, set_aside)
        return True

    def forget(self) -> None:
        """Begin anew at the next load."""
        with self._session.transaction():
            self._session.execute(self._ledger.lock().sql, [self._target])
            self._number = self._write_entry(f"start over {self._number}", self.cursor, "", {}, 0)
        self.result = msgspec.structs.replace(self.result, cursor="")

    @property
    def _is_replacing(self) -> bool:
        return isinstance(self._spec.mode, Replace)

    def _last(self) -> tuple[int, str]:
        rows = self._session.fetch(self._ledger.last(), [self._target, self._source])
        return (rows[0][0], rows[0][1]) if rows else (0, "")

    def _check_cursor(self) -> None:
        if self._follows_cursor and self._last()[0] != self._number:
            raise TransientError(
                f"another load of {self._target} from {self._source} got ahead; the next attempt goes on after it"
            )

    def _tells_no_type(self, batch: Batch) -> bool:
        """A CSV of a header alone, before there is a table: the first rows say what its columns are."""
        is_untyped = all(str(field.type) == "null" for field in batch.rows.schema)
        return not batch.rows.num_rows and is_untyped and self._session.columns(self._tables.target) is None

    def _shaped(self, staging: Staging) -> Shaped:
        may_shrink = self._gate is not None and self._gate.sets_aside
        is_compared = staging.is_everything and bool(self._spec.mode.keys)
        return Shaped(self._tables, self._spec.mode, staging.shape, sets_aside=may_shrink and is_compared)

    def _apply(self, shaped: Shaped, staging: Staging) -> dict[str, int]:
        counts = {"insert": 0, "update": 0, "delete": 0}
        found = steps(shaped, is_everything=staging.is_everything, is_ordered=staging.is_ordered)
        for step in found:
            touched = self._session.execute(step.sql)
            if step.name in ("clear", "insert"):
                counts["delete" if step.name == "clear" else "insert"] = touched
        if any(step.name == "plan" for step in found):
            planned = dict(self._session.fetch(plan_counts(shaped)))
            counts = {action: planned.get(action, 0) for action in counts}
        return counts

    def _write_entry(self, batch_id: str, since: str, upto: str, counts: dict[str, int], rows: int) -> int:
        """The batch and the cursor into the ledger; returns the number of the load."""
        number: int = self._session.fetch(self._ledger.next_number(), [self._target])[0][0]
        values = {
            "target": self._target,
            "number": number,
            "batch_id": batch_id,
            "source": self._source,
            "since": since,
            "upto": upto,
            "inserted": counts.get("insert", 0),
            "updated": counts.get("update", 0),
            "deleted": counts.get("delete", 0),
            "ignored": max(rows - sum(counts.values()), 0),
            "loaded_at": self._now(),
        }
        self._session.execute(self._ledger.write().sql, [values[column.name] for column in LEDGER_COLUMNS])
        if number % 100 == 0:
            parameters = [self._target, number - KEPT_LOADS, self._target, self._target]
            self._session.execute(self._ledger.prune().sql, parameters)
        return number

    def _count(self, staging: Staging, counts: dict[str, int], set_aside: int) -> None:
        before, shapes = self.result, staging.shapes
        self.result = LoadResult(
            table=before.table,
            source=before.source,
            cursor=staging.upto,
            batches=before.batches + 1,
            repeated=before.repeated,
            read=before.read + staging.rows,
            inserted=before.inserted + counts["insert"],
            updated=before.updated + counts["update"],
            deleted=before.deleted + counts["delete"],
            set_aside=before.set_aside + set_aside,
            added_columns=_merged(before.added_columns, (c.name for shape in shapes for c in shape.added)),
            altered_columns=_merged(before.altered_columns, (c.name for shape in shapes for c in shape.altered)),
            left_out_columns=_merged(before.left_out_columns, (name for shape in shapes for name in shape.left_out)),
            absent_columns=_merged(before.absent_columns, (name for shape in shapes for name in shape.absent)),
        )


def _merged(before: tuple[str, ...], names: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*before, *names]))


def _iterator(batches: Iterator[Batch]) -> Any:
    """With a `close`, which iterators that are no generators lack."""

    def each() -> Iterator[Batch]:
        yield from batches

    return each()


def _table(rows: Any) -> Any:
    import pyarrow as pa

    if hasattr(rows, "to_arrow"):
        return rows.to_arrow()
    return pa.Table.from_pandas(rows, preserve_index=False)
