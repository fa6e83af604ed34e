"""A site: one project's store, blobs, executors and runtime, wired together in this process."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from toque.errors import UserError
from toque.local.file_pools import file_pools
from toque.local.notifying import alerting
from toque.local.recording import Recorder
from toque.ports.blobs import Blobs
from toque.ports.executor import BundleRef, Executor
from toque.ports.store import Store, VersionRow
from toque.runtime.clock import SystemClock
from toque.runtime.loop import Runtime
from toque.runtime.options import RuntimeOptions
from toque.runtime.versions import Versions
from toque.settings import Settings
from toque.store import open_store
from toque.store.blobs import open_blobs
from toque.worker.lease import LeaseFile

Role = Literal["run", "server"]


@dataclass(frozen=True)
class Site:
    """What commands work with."""

    settings: Settings
    store: Store
    blobs: Blobs
    clock: SystemClock
    versions: Versions
    runtime: Runtime
    executors: Mapping[str, Executor]
    options: RuntimeOptions
    lease_file: LeaseFile | None = None


class Everywhere(Mapping[str, Executor]):
    """One executor under every name but those given: `--executor inline`, and runs in process."""

    def __init__(self, executor: Executor, **others: Executor) -> None:
        self._executor = executor
        self._others = others

    def __getitem__(self, name: str) -> Executor:
        return self._others.get(name, self._executor)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __iter__(self) -> Iterator[str]:
        return iter((self._executor.name, *self._others))

    def __len__(self) -> int:
        return 1 + len(self._others)


def bundle_ref(settings: Settings, digest: str) -> BundleRef:
    """Where the code of a version lies on this machine."""
    path = settings.home / "bundles" / digest
    return BundleRef(hash=digest, path=str(path), project=str(settings.project))


def _bundle_of(settings: Settings, row: VersionRow) -> BundleRef:
    ref = bundle_ref(settings, row.bundle)
    if not (settings.home / "bundles" / row.bundle).is_dir():
        raise UserError(
            f"the code of {row.pipeline} {row.version} is not on this machine (bundle {row.bundle})",
            fix="run it where it was made, or start a new run with the current code",
        )
    return ref


@asynccontextmanager
async def opened(settings: Settings, *, role: Role, executor: str | None = None) -> AsyncIterator[Site]:
    """A started site; at its end, what runs is stopped and handed over.

    Raises `AlreadyServed` (role `server`), `StoreUnavailable`, `SchemaOutdated`.
    """
    site = _make(settings, role, executor)
    _calm_collector()
    await site.store.open()
    try:
        recorder = Recorder(settings.home / "logs")
        site.runtime.listen(None, recorder.signal)
        async with _told(site):
            await site.runtime.start()
            try:
                yield site
            finally:
                # Shielded: a second Ctrl-C must not leave workers behind.
                await asyncio.shield(site.runtime.stop())
                recorder.flush()
    finally:
        await site.store.close()
        if site.lease_file is not None:
            site.lease_file.close()


@asynccontextmanager
async def _told(site: Site) -> AsyncIterator[None]:
    """OpenLineage hears of the runs, where the settings say so; at the end, what is queued is sent within seconds."""
    said = site.settings.openlineage
    if said is None:
        yield
        return
    from toque.local.openlineage import Telling

    telling = Telling(site.settings, said)
    site.runtime.listen(telling.heard)
    try:
        yield
    finally:
        await asyncio.to_thread(telling.close)


def _calm_collector() -> None:
    """Look for garbage cycles less often, and never among what was imported: a run of 100,000 task runs is a million
    live objects, and walking them again and again doubled the time to load it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _make(settings: Settings, role: Role, executor: str | None) -> Site:
    store = open_store(settings.store_url)
    blobs = open_blobs(settings.blobs_url)
    clock = SystemClock()
    versions = Versions(store, lambda row: _bundle_of(settings, row))
    # On SQLite a lock says who lives, and nothing runs out.
    lease_file = LeaseFile(settings.home / "workers") if store.kind == "postgresql" else None
    executors = make_executors(settings, executor, lease=str(lease_file.path) if lease_file is not None else "")
    options = RuntimeOptions(
        pools=settings.pools,
        bound=file_pools(settings),
        lease_s=settings.lease_s,
        lease_file=lease_file,
        adopt=role == "server",
        logs=str(settings.home / "logs"),
        alerting=alerting(settings),
    )
    runtime = Runtime(
        store=store, blobs=blobs, executors=executors, versions=versions, clock=clock, options=options, role=role
    )
    return Site(settings, store, blobs, clock, versions, runtime, executors, options, lease_file)


def make_executors(settings: Settings, only: str | None, *, lease: str = "") -> Mapping[str, Executor]:
    """The executors by name; with `only="inline"` every task runs in this process."""
    if only == "inline":
        from toque.executors.flow.inline import InlineFlows
        from toque.executors.inline import InlineExecutor

        secrets = [secret.reveal() for secret in settings.all_secrets()]
        return Everywhere(
            InlineExecutor(lambda: open_blobs(settings.blobs_url), lambda: settings, secrets=secrets),
            flow=InlineFlows(lambda: open_blobs(settings.blobs_url), lambda: settings, secrets=secrets),
        )
    from toque.executors.flow.host import FlowHost
    from toque.executors.process.executor import ProcessExecutor
    from toque.executors.process.options import ProcessOptions
    from toque.local.environments import interpreters

    options = ProcessOptions(
        project=str(settings.project),
        state_dir=str(settings.home / "workers"),
        blobs_url=settings.blobs_url,
        workers=settings.workers,
        environments=interpreters(settings) if settings.environments else {},
        # Workers read the settings themselves: under the profile that was chosen here.
        environ={"TOQUE_PROFILE": settings.profile} if settings.profile else {},
        lease=lease,
    )
    return {"process": ProcessExecutor(options), "flow": FlowHost(options)}
