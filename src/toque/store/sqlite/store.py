"""The `Store` port on a SQLite file."""

from __future__ import annotations

from toque.ports.store import StoreUnavailable
from toque.store.sql import messages, runs
from toque.store.sql.history.standing import Standing
from toque.store.sql.session import Session
from toque.store.sql.store import SqlStore
from toque.store.sqlite.database import SqliteDatabase
from toque.store.sqlite.instances import InstanceLocks
from toque.store.sqlite.options import SqliteOptions

RECLAIM_PAGES = 1000
"""At a time: commits pass in between."""


class SqliteStore(SqlStore):
    """See `Store`. Any number of processes may use the file, one of them as a server."""

    kind = "sqlite"

    def __init__(self, url: str) -> None:
        self.options = SqliteOptions.parse(url)
        self._file = SqliteDatabase(self.options)
        super().__init__(self._file)
        self._locks = InstanceLocks(self.options.path)
        self._instances: list[str] = []
        self._seen_version = -1
        self._seen_log = (0, 0)
        self._is_quiet = False

    async def open(self) -> None:
        """See `Store.open`."""
        await self._file.open()
        self._seen_version = await self._file.version()

    async def close(self) -> None:
        """See `Store.close`."""
        try:
            for instance in self._instances:
                await self._file.write(lambda session, name=instance: messages.unregister(session, name))  # type: ignore[misc]
        except StoreUnavailable:
            # The list is for people; what counts is the lock.
            pass
        self._instances.clear()
        await self._file.close()
        self._locks.release()

    async def new_boot(self, instance: str, *, pid: int, host: str, role: str, now_us: int) -> int:
        """See `Store.new_boot`."""
        if role == "server":
            self._locks.hold_server(pid)
        self._locks.hold(instance, pid)
        self._instances.append(instance)
        self._locks.sweep()

        def register(session: Session) -> int:
            boot = messages.draw_boot(session)
            self._forget_dead(session)
            messages.register(session, messages.Instance(instance, boot, pid, host, role, now_us))
            return boot

        return await self._file.write_synced(register)

    def _forget_dead(self, session: Session) -> None:
        """Those that were killed and hold nothing any more. Whoever begins holds its lock before it has a row."""
        held = runs.holders(session)
        for (instance,) in session.rows("SELECT instance FROM instances ORDER BY instance"):
            if instance not in held and not self._locks.is_alive(instance):
                messages.unregister(session, instance)

    async def _standing(self) -> Standing:
        return Standing(self.kind, self._file.size_bytes(), self._locks.is_alive)

    async def renew(self, instance: str, now_us: int, lease_s: float) -> None:
        """Nothing to do: the lock of the instance says that it lives."""

    async def dead_instances(self) -> list[str]:
        """See `Store.dead_instances`."""
        names = await self._file.read(runs.holders)
        return [name for name in names if not self._locks.is_alive(name)]

    async def changed(self) -> bool:
        """See `Store.changed`."""
        wrote, self._wrote = self._wrote, False
        log = self._file.log_stamp()
        was_quiet, self._is_quiet = self._is_quiet, log == self._seen_log
        self._seen_log = log
        if self._is_quiet and was_quiet:
            # Twice, since a write may share the tick of the clock with our look. An idle server asks 20 times a second.
            return wrote
        version = await self._file.version()
        moved, self._seen_version = version != self._seen_version, version
        return moved or wrote

    async def prune(self, *, before_us: int, keep_last: int, limit: int) -> list[str]:
        """See `Store.prune`. Freed pages go back to the file system."""
        pruned = await super().prune(before_us=before_us, keep_last=keep_last, limit=limit)
        while pruned and await self._file.reclaim(RECLAIM_PAGES):
            pass
        return pruned
