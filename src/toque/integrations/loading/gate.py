"""The gate of a load: checks of each batch, where its rows are staged and before anything takes effect.

Row checks look at the staged rows: those that quarantine first, and move bad ones into `<table>__rejects`; then those
that block or warn, at the versions that are to take effect, so that what was put right meanwhile halts nobody. Checks
of the table look at it as it would be after the batch, in the same transaction: one that blocks takes back all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from toque.data.checks.queries import row_checks
from toque.data.checks.reports import Report, together
from toque.data.loads.shaped import Shaped, remember_seen
from toque.data.loads.tables import DELETED, IS_CURRENT, ORDER, ROW, SEQUENCE, Tables, buries, places
from toque.graph.checks import AnyCheck, Unique
from toque.graph.loads import AnyMode, Merge, Scd2, TableName, Upsert
from toque.integrations.checking.auditing import ChecksFailed, audited, prepare
from toque.integrations.checking.publishing import staging_of
from toque.integrations.checking.running import Look
from toque.integrations.checking.sessions import Desk
from toque.ports.warehouse import Session


class Gate:
    """The checks of one load, and what they have found so far."""

    def __init__(self, checks: Sequence[AnyCheck]) -> None:
        staged = [check for check in row_checks(checks) if not _is_about_the_whole(check)]
        self._sorting: tuple[AnyCheck, ...] = tuple(check for check in staged if check.severity == "quarantine")
        self._staged: tuple[AnyCheck, ...] = tuple(check for check in staged if check.severity != "quarantine")
        self._whole = tuple(check for check in checks if check not in staged)
        self.report: Report | None = None
        """Of all batches together, of checks of the table as it was after the last one; None before the first."""

    @property
    def sets_aside(self) -> bool:
        """Whether rows may leave a batch."""
        return bool(self._sorting)

    @contextmanager
    def around(self, session: Session, load: Shaped) -> Iterator[None]:
        """The transaction of a batch. Of one that does not pass the rows can be looked at until the next one comes."""
        kept = staging_of(load.tables.target)
        session.execute(f"DROP TABLE IF EXISTS {load.tables.dialect.table(kept)}")
        prepare(Desk(session, load.tables.dialect), load.tables.target, self._sorting)
        if load.sets_aside:
            for statement in remember_seen(load):
                session.execute(statement)
        try:
            yield
        except ChecksFailed as error:
            told = ChecksFailed(f"{error}\n  Nothing took effect; the batch stands in {kept}.", sample=error.sample)
            told.report = error.report
            rows = f"SELECT {', '.join(load.columns)} FROM {load.staging}"
            session.execute(f"CREATE TABLE {load.tables.dialect.table(kept)} AS {rows}")
            raise told from error

    def sort(self, session: Session, load: Shaped, batch_id: str) -> int:
        """In it, before the rows take effect: how many were set aside. Raises `ChecksFailed`."""
        desk = Desk(session, load.tables.dialect)
        alive = f"NOT {load.own(DELETED)}"  # of a deleted row only the key is there
        set_aside = self._look_at_staged(desk, load, self._sorting, alive, batch_id)
        if isinstance(load.mode, Upsert | Merge):
            row = load.own(ROW)
            versions = load.versions(with_deletes=buries(load.mode))
            alive += f" AND {row} IN (SELECT v.{row} FROM {versions} AS v WHERE v._toque_rank = 1)"
        self._look_at_staged(desk, load, self._staged, alive, batch_id)
        return set_aside

    def _look_at_staged(self, desk: Desk, load: Shaped, checks: Sequence[AnyCheck], where: str, batch_id: str) -> int:
        if not checks:
            return 0
        columns = tuple(column.name for column in load.shape.columns)
        kept = tuple(map(load.tables.dialect.physical, (ORDER, SEQUENCE))) if places(load.mode) else ()
        look = Look(load.tables.staging, datetime.now(UTC), where=where, of=columns, kept=kept)
        return self._look(desk, look, checks, load.tables.target, batch_id).set_aside

    def judge(self, session: Session, tables: Tables, mode: AnyMode, batch_id: str) -> None:
        """In it, when they have taken effect. Raises `ChecksFailed`."""
        if self._whole:
            look = Look(tables.target, datetime.now(UTC), where=_living(tables, mode))
            self._look(Desk(session, tables.dialect), look, self._whole, tables.target, batch_id)

    def _look(self, desk: Desk, look: Look, checks: Sequence[AnyCheck], target: TableName, batch_id: str) -> Report:
        is_new = look.table != target  # else it is the table, with all that came before
        try:
            found = audited(desk, look, checks, batch_id=batch_id, target=target)
        except ChecksFailed as error:
            self._note(error.report, is_new)
            raise
        self._note(found, is_new)
        return found

    def _note(self, found: Report, is_new: bool) -> None:
        self.report = found if self.report is None else together(self.report, found, of_other_rows=is_new)


def _is_about_the_whole(check: AnyCheck) -> bool:
    """Whether keys are unique is known when versions of one key have been told apart; what is to be set aside is said
    of the staged rows all the same."""
    return isinstance(check, Unique) and check.severity != "quarantine"


def _living(tables: Tables, mode: AnyMode) -> str:
    """The rows of the table that count as there."""
    own = tables.dialect.own
    match mode:
        case Scd2():
            return own(IS_CURRENT)
        case Merge(deletes="soft"):
            return f"{own(DELETED)} IS NOT TRUE"
        case _:
            return ""
