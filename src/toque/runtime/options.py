"""What can be tuned about a runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from toque.runtime.outgoing import Alerting
from toque.worker.lease import LeaseFile


@dataclass(frozen=True, kw_only=True)
class RuntimeOptions:
    """Options of one runtime; the defaults fit a laptop and a small server."""

    pools: Mapping[str, int] = field(default_factory=dict)
    """Slots of the named pools. A pool whose name holds a colon (`duckdb:/path`) has one slot unless named here."""
    bound: Mapping[str, str] = field(default_factory=dict)
    """The pool that a claim means here, where it is another one: a connection to a file is the pool of that file."""
    poll_s: float = 0.05
    """How often another process's writes are looked for."""
    lease_s: float = 10.0
    """PostgreSQL: an instance that was not renewed for so long is dead."""
    lease_file: LeaseFile | None = None
    """Where workers see how long their server's lease holds; None where nothing is owned by lease."""
    bury_s: float = 0.5
    """How often is asked whether another process is dead, and whether a hint was missed."""
    cancel_grace_s: float = 5.0
    """Between a cooperative cancel and SIGTERM."""
    batch: int = 4096
    """Inputs decided in one transaction at most."""
    busy_attempts: int = 32
    """From so many attempts in flight on, a turn waits `gather_s` for more reports: a fan-out is about throughput."""
    gather_s: float = 0.002
    adopt: bool = True
    """Take over queued runs and those of dead instances (a server does, `toque run` does not)."""
    spill_entries: int = 1000
    """Gathered results beyond this number travel as a blob."""
    relay_s: float = 1.0
    """How often the outbox is looked into for what other processes wrote."""
    alerting: Alerting | None = None
    """Who is told of what; None: this process writes and sends no messages."""
    logs: str = ""
    """Directory of the attempts' logs; "" keeps none."""

    def pool_of(self, claimed: str) -> str:
        """The pool that a node means by the one that it claims."""
        return self.bound.get(claimed, claimed)

    def pool_limit(self, pool: str) -> int | None:
        """Slots of `pool`; None when it has no limit here."""
        limit = self.pools.get(pool)
        if limit is None and pool.startswith("connection:"):
            return None  # as many as want it, unless the connection states its slots
        return 1 if limit is None and ":" in pool else limit
