"""Follows a run that another process carries out, in the terminal: its facts, read from the store as they are written.

Whoever looks needs no server for it: what the store holds is what was decided, and a server that dies meanwhile leaves
a run that goes on elsewhere, and is followed on.
"""

from __future__ import annotations

import asyncio

from toque.cli.output import Output
from toque.cli.progress import Progress, make_progress
from toque.cli.stores import in_store
from toque.engine.rows import RunRow
from toque.errors import NotFound
from toque.graph import canonical
from toque.ports.store import Store
from toque.settings import Settings

POLL_S = 0.1


def followed(settings: Settings, run_id: str, output: Output, *, quiet: bool = False) -> RunRow | None:
    """The run once it has ended, with its progress and summary shown meanwhile; None after Ctrl-C, which ends only the
    looking. Raises `NotFound`."""
    progress = make_progress(quiet=quiet or output.as_json)
    try:
        return in_store(settings, lambda store: follow(store, run_id, progress))
    except KeyboardInterrupt:
        output.say(f"the run goes on without you: toque runs {run_id} shows it, toque cancel {run_id} ends it")
        return None
    finally:
        progress.finish()


async def follow(store: Store, run_id: str, progress: Progress, *, poll_s: float = POLL_S) -> RunRow:
    """Hand the facts of a run to `progress` until it has ended."""
    row = await _row(store, run_id)
    version = await store.get_version(row.version)
    pipeline = canonical.decode(version.ir) if version is not None else None
    seen = 0
    while True:
        # The row first: the facts that are read after its end are all that there are.
        row = await _row(store, run_id)
        news = await store.load_facts(run_id, seen) if row.fact_seq > seen else []
        if news and pipeline is not None:
            progress.facts(run_id, pipeline, [fact for _, fact in news])
        seen = news[-1][0] if news else seen
        if row.state.is_terminal:
            return row
        await asyncio.sleep(poll_s)


async def _row(store: Store, run_id: str) -> RunRow:
    found = await store.history.get_runs([run_id])
    if run_id not in found:
        raise NotFound(f"the run {run_id} is gone: it was removed while it was followed", fix="toque runs lists them")
    return found[run_id]
