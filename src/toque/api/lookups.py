"""What routes look up by name, and what they say when it is not there."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import msgspec

from toque.api.services import Services
from toque.engine.rows import RunRow, TaskRow
from toque.engine.values import TaskKey
from toque.errors import NotFound, UserError
from toque.graph import canonical
from toque.graph.ir import Pipeline
from toque.ports.store import VersionRow
from toque.runtime.versions import VersionMissing

NO_PIPELINE = "`toque list` (or GET /api/v1/pipelines) names them; those of a file that cannot be loaded are missing"


async def find_run(asked: Services, run_id: str) -> RunRow:
    """Raises `NotFound`."""
    found = await asked.store.history.get_runs([run_id])
    if run_id not in found:
        raise NotFound(f"there is no run {run_id}", fix="GET /api/v1/runs lists them; retention may have removed it")
    return found[run_id]


async def find_task_run(asked: Services, run_id: str, key: TaskKey) -> TaskRow | None:
    """None while it still waits (then it has no row)."""
    return await asked.store.history.task_run(run_id, key.task, key.map_index)


async def find_current(asked: Services, pipeline: str) -> VersionRow:
    """The current version. Raises `NotFound`."""
    row = await asked.store.current_version(pipeline)
    if row is None:
        raise NotFound(f"there is no pipeline {pipeline!r}", fix=NO_PIPELINE)
    return row


async def find_version(asked: Services, version: str) -> VersionRow:
    """Raises `NotFound`."""
    row = await asked.store.get_version(version)
    if row is None:
        raise NotFound(f"there is no version {version!r}", fix="GET /api/v1/pipelines/NAME/versions lists them")
    return row


async def graph_of(asked: Services, pipeline: str) -> tuple[str, str, Pipeline]:
    """The current version of a pipeline: its id, its file and its graph. Raises `NotFound`."""
    known = asked.project.state.pipelines.get(pipeline)
    if known is not None:
        return known.version, known.file, known.ir
    row = await find_current(asked, pipeline)
    return row.version, row.file, canonical.decode(row.ir)


async def version_graph(asked: Services, version: str) -> Pipeline:
    """The graph of a version, even if its code is not on this machine. Raises `NotFound`."""
    try:
        return (await asked.versions.get(version))[0]
    except VersionMissing as missing:
        raise NotFound(str(missing), fix="GET /api/v1/pipelines/NAME/versions lists them") from missing
    except UserError:  # the code was pruned, or made elsewhere
        return canonical.decode((await find_version(asked, version)).ir)


def cursor_of(position: Sequence[Any]) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(list(position))).decode().rstrip("=")


def position_of(cursor: str, *kinds: type) -> list[Any] | None:
    """What `cursor_of` was given; None for the first page. Raises `UserError` for what was made up."""
    if not cursor:
        return None
    try:
        data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        position = msgspec.json.decode(data, type=list[Any])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        position = []
    if len(position) != len(kinds) or not all(map(isinstance, position, kinds)):
        raise UserError("this is no cursor of this list", fix="hand back `next` of the page before, or nothing")
    return position
