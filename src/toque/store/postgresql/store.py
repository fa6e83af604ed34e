"""The `Store` port on a PostgreSQL database."""

from __future__ import annotations

from toque.errors import ToqueBug
from toque.ports.store import StoreUnavailable
from toque.store.postgresql.database import PostgresqlDatabase
from toque.store.sql import messages, runs
from toque.store.sql.history.standing import Standing
from toque.store.sql.messages import Instance
from toque.store.sql.session import Session
from toque.store.sql.store import SqlStore

FIRST_LEASE_S = 30.0
"""Until the first `renew`."""
POLL_S = 1.0
"""How often `changed` says yes although no NOTIFY came: a hint may be lost, polling is the truth."""
_CLOCK = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
"""The only clock between servers."""
LIVING = f"SELECT instance FROM instances WHERE lease_until_us > {_CLOCK} ORDER BY instance"


class PostgresqlStore(SqlStore):
    """See `Store`. Any number of servers may use the database; each owns its runs by lease."""

    kind = "postgresql"

    def __init__(self, url: str) -> None:
        self._server = PostgresqlDatabase(url)
        super().__init__(self._server)
        self._instances: dict[str, Instance] = {}

    async def open(self) -> None:
        """See `Store.open`."""
        await self._server.open()

    async def close(self) -> None:
        """See `Store.close`. Instances of this process count as dead from now on."""
        try:
            for instance in self._instances:
                await self._server.write(lambda session, name=instance: messages.unregister(session, name), tell=True)  # type: ignore[misc]
        except StoreUnavailable:
            # Their leases will run out.
            pass
        self._instances.clear()
        await self._server.close()

    async def new_boot(self, instance: str, *, pid: int, host: str, role: str, now_us: int) -> int:
        """See `Store.new_boot`."""

        def register(session: Session) -> int:
            # Whatever the role of the user says: this number must not be drawn again after a crash.
            session.run("SET LOCAL synchronous_commit = on")
            _sweep(session)
            boot = messages.draw_boot(session)
            _lease(session, Instance(instance, boot, pid, host, role, now_us), FIRST_LEASE_S)
            return boot

        boot = await self._server.write(register)
        self._instances[instance] = Instance(instance, boot, pid, host, role, now_us)
        return boot

    async def _standing(self) -> Standing:
        def look(session: Session) -> tuple[int, set[str]]:
            [(size,)] = session.rows("SELECT pg_database_size(current_database())")
            return int(size), {row[0] for row in session.rows(LIVING)}

        size, living = await self._server.read(look)
        return Standing(self.kind, size, living.__contains__)

    async def renew(self, instance: str, now_us: int, lease_s: float) -> None:
        """See `Store.renew`."""
        known = self._instances.get(instance)
        if known is None:
            raise ToqueBug(f"the instance {instance} renews a lease without a boot number")
        await self._server.write(lambda session: _lease(session, known, lease_s))

    async def dead_instances(self) -> list[str]:
        """See `Store.dead_instances`."""

        def dead(session: Session) -> list[str]:
            names = runs.holders(session)
            alive = {row[0] for row in session.rows(LIVING)}
            return [name for name in names if name not in alive]

        return await self._server.read(dead)

    async def changed(self) -> bool:
        """See `Store.changed`."""
        heard = await self._server.heard(POLL_S)
        wrote, self._wrote = self._wrote, False
        return heard or wrote


def _lease(session: Session, instance: Instance, lease_s: float) -> None:
    """Registers it anew if it was given up as dead: it lives, if without its runs."""
    messages.register(session, instance)
    session.run(
        f"UPDATE instances SET lease_until_us = {_CLOCK} + ? WHERE instance = ?",
        (int(lease_s * 1_000_000), instance.instance),
    )


def _sweep(session: Session) -> None:
    """Forget the dead that hold nothing."""
    held = runs.holders(session)
    session.run(
        f"DELETE FROM instances WHERE lease_until_us < {_CLOCK} AND NOT ({session.among('instance')})",
        (session.listed(held),),
    )
