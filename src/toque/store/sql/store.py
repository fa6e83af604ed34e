"""The `Store` port over a database: each method is one shared operation in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from toque.engine.facts import AnyFact
from toque.engine.rows import AttemptRow, RunRow, TaskRow
from toque.engine.states import TaskState
from toque.ports.history import History
from toque.ports.store import (
    CommandRow,
    Commit,
    OutboxRow,
    RunFilter,
    StoredRun,
    TaskFilter,
    VersionRow,
)
from toque.store.sql import commit, messages, prune, runs
from toque.store.sql.assets import SqlAssets
from toque.store.sql.automations import SqlAutomations
from toque.store.sql.history.standing import Standing
from toque.store.sql.session import Database
from toque.store.sql.trigger_store import SqlBackfills, SqlTriggers


class _OnDatabase:
    """Holds the database that the parts of `SqlStore` share."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wrote = False
        """Something other than a commit was written: whoever polls `changed` should look."""


class _Runs(_OnDatabase):
    """Runs and what belongs to them."""

    async def commit(self, batch: Commit) -> None:
        """See `Store.commit`. The rows must not be changed before it returns."""
        # Others wait for the state of runs and for free slots, not for task runs.
        tell = bool(batch.runs or batch.release)
        await self._database.write(lambda session: commit.commit(session, batch), tell=tell)

    async def create_run(self, run: RunRow, *, dedup: str = "") -> str:
        """See `Store.create_run`."""
        self._wrote = True
        return await self._database.write(lambda session: runs.create_run(session, run, dedup), tell=True)

    async def adopt(self, instance: str, *, from_instances: Sequence[str], limit: int = 1000) -> list[str]:
        """See `Store.adopt`."""
        return await self._database.write(
            lambda session: runs.adopt(session, instance, from_instances, limit), tell=True
        )

    async def load_run(self, run_id: str) -> StoredRun | None:
        """See `Store.load_run`."""
        return await self._database.read(lambda session: runs.load_run(session, run_id))

    async def load_facts(self, run_id: str, after_seq: int = 0) -> list[tuple[int, AnyFact]]:
        """See `Store.load_facts`."""
        return await self._database.read(lambda session: runs.load_facts(session, run_id, after_seq))

    async def list_runs(self, where: RunFilter) -> list[RunRow]:
        """See `Store.list_runs`."""
        return await self._database.read(lambda session: runs.list_runs(session, where))

    async def list_tasks(self, where: TaskFilter) -> list[TaskRow]:
        """See `Store.list_tasks`."""
        return await self._database.read(lambda session: runs.list_tasks(session, where))

    async def list_attempts(self, run_id: str, task: str, map_index: tuple[int, ...]) -> list[AttemptRow]:
        """See `Store.list_attempts`."""
        return await self._database.read(lambda session: runs.list_attempts(session, run_id, task, map_index))

    async def count_tasks(self, run_id: str) -> dict[str, dict[TaskState, int]]:
        """See `Store.count_tasks`."""
        return await self._database.read(lambda session: runs.count_tasks(session, run_id))

    async def prune(self, *, before_us: int, keep_last: int, limit: int) -> list[str]:
        """See `Store.prune`. Each chunk is its own transaction, so that commits pass between them."""
        return await prune.prune(self._database, before_us, keep_last, limit)


class _Messages(_OnDatabase):
    """Versions, commands, the outbox, pools and counters."""

    async def put_version(self, row: VersionRow, *, make_current: bool) -> None:
        """See `Store.put_version`."""
        self._wrote = True
        await self._database.write(lambda session: messages.put_version(session, row, make_current), tell=True)

    async def get_version(self, version: str) -> VersionRow | None:
        """See `Store.get_version`."""
        return await self._database.read(lambda session: messages.get_version(session, version))

    async def current_version(self, pipeline: str) -> VersionRow | None:
        """See `Store.current_version`."""
        return await self._database.read(lambda session: messages.current_version(session, pipeline))

    async def set_current(self, pipeline: str, version: str, *, actor: str, now_us: int) -> None:
        """See `Store.set_current`."""
        self._wrote = True
        await self._database.write(
            lambda session: messages.set_current(session, pipeline, version, actor, now_us), tell=True
        )

    async def list_versions(self, pipeline: str = "", limit: int = 50) -> list[VersionRow]:
        """See `Store.list_versions`."""
        return await self._database.read(lambda session: messages.list_versions(session, pipeline, limit))

    async def put_command(self, row: CommandRow) -> int:
        """See `Store.put_command`."""
        self._wrote = True
        return await self._database.write(lambda session: messages.put_command(session, row), tell=True)

    async def list_commands(self, instance: str) -> list[CommandRow]:
        """See `Store.list_commands`."""
        return await self._database.read(lambda session: messages.list_commands(session, instance))

    async def list_outbox(self, due_us: int, limit: int = 100) -> list[OutboxRow]:
        """See `Store.list_outbox`."""
        return await self._database.read(lambda session: messages.list_outbox(session, due_us, limit))

    async def pool_usage(self) -> dict[str, int]:
        """See `Store.pool_usage`."""
        return await self._database.read(messages.pool_usage)

    async def counters(self) -> dict[str, int]:
        """See `Store.counters`."""
        return await self._database.read(messages.counters)


class SqlStore(_Runs, _Messages):
    """All that does not depend on which database it is."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.triggers = SqlTriggers(database)
        self.assets = SqlAssets(database)
        self.backfills = SqlBackfills(database)
        self.automations = SqlAutomations(database)

    @cached_property
    def history(self) -> History:
        """See `Store.history`. Imported here and not above: who only runs a pipeline has no pages."""
        from toque.store.sql.history.store import SqlHistory

        return SqlHistory(self._database, self._standing)

    async def _standing(self) -> Standing:
        raise NotImplementedError
