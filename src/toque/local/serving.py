"""Serving: `toque server` executes queued runs and adopts interrupted ones; `toque trigger` queues them."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from toque.errors import NotFound
from toque.local.authored import author, new_row, relative
from toque.local.developing import Development
from toque.local.indexing import indexing
from toque.local.loading import prepare
from toque.local.project import Project
from toque.local.retention import prune
from toque.local.site import Site, bundle_ref, opened
from toque.local.triggers import Triggering, triggering
from toque.local.web import WebOptions, bind, web
from toque.ports.store import Store, StoreUnavailable
from toque.runtime.adoption import Taken
from toque.runtime.clock import SystemClock
from toque.settings import Settings
from toque.settings.tokens import known_token
from toque.settings.tree import nearest
from toque.store import bundles, open_store

log = logging.getLogger("toque.server")

PRUNE_EVERY_S = 3600.0
IDLE_S = 0.2


def serve(
    settings: Settings,
    *,
    until_idle: bool = False,
    listen: WebOptions | None = None,
    development: Development | None = None,
) -> None:
    """Serve the project until SIGINT or SIGTERM (or until nothing is left); with `listen`, the API and the UI too, with
    `development`, from the newest code.

    What the files say becomes current at the start, and whenever SIGHUP or the API asks for it (see
    `toque.local.project`).

    Raises `AlreadyServed`, and `UserError` when the port is taken.
    """
    asyncio.run(_serve(settings, until_idle, listen, development))


async def _serve(
    settings: Settings, until_idle: bool, listen: WebOptions | None, development: Development | None
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    listening = bind(listen, token_is_known=bool(known_token(settings.home))) if listen is not None else None
    async with opened(settings, role="server") as site:
        log.info("serving %s (store %s)", settings.project, site.store.kind)
        adopted = await site.runtime.adopt()
        log.info("ready%s", _taken_words(adopted))
        looking_after = asyncio.create_task(_look_after(site))
        stopped = asyncio.create_task(stop.wait())
        crashed = asyncio.create_task(site.runtime.crashed())
        async with (
            triggering(site) as triggers,
            _project(site, triggers, development) as project,
            _web(site, project, listening, triggers, development, host=listen.host if listen else ""),
        ):
            idle = asyncio.create_task(_until_idle(site, stop, triggers)) if until_idle else None
            await asyncio.wait({stopped, crashed}, return_when=asyncio.FIRST_COMPLETED)
        log.info("stopping%s", "" if crashed.done() else ": what runs is handed over")
        for task in (looking_after, idle, stopped, crashed):
            if task is not None:
                task.cancel()


def _taken_words(adopted: Taken) -> str:
    words = [
        *([f"{adopted.begun} run(s) go on"] if adopted.begun else ()),
        *([f"{adopted.queued} queued run(s) may start"] if adopted.queued else ()),
    ]
    return f": {', '.join(words)}" if words else ""


@asynccontextmanager
async def _web(
    site: Site,
    project: Project,
    listening: socket.socket | None,
    triggers: Triggering | None,
    development: Development | None,
    *,
    host: str,
) -> AsyncIterator[None]:
    if listening is None:
        yield
        return
    async with web(site, listening, project, triggers, host=host) as address:
        log.info("listening on %s", address.url)
        log.info("open %s (signs in once, within ten minutes)", address.sign_in_url)
        if development is None:
            yield
            return
        development.shown.ready(address)
        async with development.beside(site, project):
            yield


@asynccontextmanager
async def _project(site: Site, triggers: Triggering | None, development: Development | None) -> AsyncIterator[Project]:
    follow = triggers.follow if triggers is not None else None
    async with indexing(site, sync=follow, listener=development.shown.looked if development else None) as project:
        if triggers is not None:
            project.listen(triggers.ageing.looked)
        yield project


async def _look_after(site: Site) -> None:
    """Retention, once an hour."""
    kept = site.settings.retention
    while True:
        await asyncio.sleep(PRUNE_EVERY_S)
        try:
            pruned = await prune(
                site.store,
                site.blobs,
                site.settings,
                now_us=site.clock.now_us(),
                age_s=kept.age_s,
                keep_last=kept.keep_last,
            )
        except (StoreUnavailable, OSError) as problem:
            log.warning("retention will be tried again: %s", problem)
            continue
        if pruned.runs:
            log.info("retention removed %d runs", len(pruned.runs))


async def _until_idle(site: Site, stop: asyncio.Event, triggers: Triggering | None) -> None:
    """Set `stop` when this instance owns no run, twice in a row, and what was missed has been decided."""
    if triggers is not None:
        await triggers.caught_up()
    calm = 0
    while calm < 2:
        await asyncio.sleep(IDLE_S)
        calm = calm + 1 if site.runtime.is_idle else 0
    stop.set()


def trigger(settings: Settings, target: str, *, parameters: Mapping[str, Any], actor: str = "", dedup: str = "") -> str:
    """Queue a run; returns its id. `target` is `FILE[:NAME]` (as the file is now) or the name of a pipeline that the
    store knows (its current version)."""

    async def main() -> str:
        store = open_store(settings.store_url)
        await store.open()
        try:
            return await _trigger(store, settings, target, parameters, actor, dedup)
        finally:
            await store.close()

    return asyncio.run(main())


async def _trigger(
    store: Store, settings: Settings, target: str, parameters: Mapping[str, Any], actor: str, dedup: str
) -> str:
    file, _, name = target.partition(":")
    now_us = SystemClock().now_us()
    if Path(file).suffix:
        bundle = bundles.snapshot(settings.project, settings.bundle)
        path = relative(settings, Path(file))
        authored = await asyncio.to_thread(author, settings, bundle, path, name, parameters, now_us)
        authored.row.actor = actor
        await store.put_version(authored.row, make_current=True)
        row = new_row(authored.pipeline.name, authored.row.version, authored.parameters, now_us)
    else:
        version = await store.current_version(target)
        if version is None:
            meant = nearest(target, tuple(await store.history.pipelines()))
            hint = f"did you mean {meant!r}? Or n" if meant else "n"
            raise NotFound(f"no pipeline {target!r} ever ran here", fix=f"{hint}ame its file: toque trigger FILE:NAME")
        root = Path(bundle_ref(settings, version.bundle).path)
        _, values = await asyncio.to_thread(prepare, root, root / version.file, target, parameters)
        row = new_row(target, version.version, values, now_us)
    row.actor = actor
    return await store.create_run(row, dedup=dedup)
