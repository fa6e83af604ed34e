"""Versions, commands, the outbox, pools and counters."""

from __future__ import annotations

import msgspec

from toque.errors import UserError
from toque.ports.store import CommandRow, OutboxRow, VersionRow
from toque.store.memory.tables import Tables, slots_by_pool


class Messages(Tables):
    """Versions, commands, the outbox, pools and counters."""

    async def put_version(self, row: VersionRow, *, make_current: bool) -> None:
        """See `Store.put_version`."""
        self._wrote = True
        earlier = self._versions.get(row.version)
        created_us = earlier.created_us if earlier else row.created_us
        self._versions.put(row.version, msgspec.structs.replace(row, created_us=created_us))
        if make_current:
            self._make_current(row.pipeline, row.version)

    async def get_version(self, version: str) -> VersionRow | None:
        """See `Store.get_version`."""
        return self._versions.get(version)

    async def current_version(self, pipeline: str) -> VersionRow | None:
        """See `Store.current_version`."""
        return self._versions.get(self._current.get(pipeline))

    async def set_current(self, pipeline: str, version: str, *, actor: str, now_us: int) -> None:
        """See `Store.set_current`."""
        row = self._versions.get(version)
        if row is None or row.pipeline != pipeline:
            raise UserError(f"pipeline {pipeline!r} has no version {version!r}", fix=f"see `toque versions {pipeline}`")
        self._wrote = True
        self._make_current(pipeline, version)

    def _make_current(self, pipeline: str, version: str) -> None:
        self._current[pipeline] = version
        self._synced.pop(pipeline, None)

    async def list_versions(self, pipeline: str = "", limit: int = 50) -> list[VersionRow]:
        """See `Store.list_versions`."""
        rows = [row for row in self._versions.all() if not pipeline or row.pipeline == pipeline]
        rows.sort(key=lambda row: (row.created_us, row.version), reverse=True)
        return [row if pipeline else msgspec.structs.replace(row, ir=b"") for row in rows[:limit]]

    async def put_command(self, row: CommandRow) -> int:
        """See `Store.put_command`."""
        self._wrote = True
        self._last_command += 1
        self._commands.put(self._last_command, msgspec.structs.replace(row, id=self._last_command))
        return self._last_command

    async def list_commands(self, instance: str) -> list[CommandRow]:
        """See `Store.list_commands`."""
        owned = {run.run_id for run in self._runs.all() if run.owner == instance}
        return [command for command in self._commands.all() if command.run_id in owned]

    async def list_outbox(self, due_us: int, limit: int = 100) -> list[OutboxRow]:
        """See `Store.list_outbox`."""
        due = [message for message in self.outbox.all() if message.due_us <= due_us]
        return sorted(due, key=lambda message: (message.due_us, message.dedup))[:limit]

    async def pool_usage(self) -> dict[str, int]:
        """See `Store.pool_usage`."""
        return slots_by_pool(self._holds)

    async def counters(self) -> dict[str, int]:
        """See `Store.counters`."""
        return dict(self._counters)
