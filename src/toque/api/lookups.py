"""What routes look up by name, and what they say when it is not there."""

from __future__ import annotations

import base64
import binascii
import difflib
from collections.abc import Sequence
from typing import Any

import msgspec

from toque.api.services import Services
from toque.engine.rows import RunRow, TaskRow
from toque.engine.values import TaskKey
from toque.errors import NotFound, UserError
from toque.graph import canonical
from toque.graph.ir import Pipeline
from toque.ports.project import BrokenFile, ProjectState
from toque.ports.store import VersionRow
from toque.runtime.versions import VersionMissing

NAMED = 8
"""So many names stand in a message; of more, the others are counted."""


def listed(names: Sequence[str]) -> str:
    """`a, b and 3 more`."""
    shown, more = ", ".join(names[:NAMED]), len(names) - NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def no_pipeline(state: ProjectState, name: str) -> NotFound:
    """What to say of a name that no pipeline has: the file that would define it, or the names that were meant."""
    message = f"there is no pipeline {name!r}"
    for broken in state.broken:
        if name in broken.missing:
            return NotFound(f"{message}: {_fault(broken)}", fix="mend the file; `toque check` shows the line")
    near = difflib.get_close_matches(name, list(state.pipelines), n=3)
    parts = [f"did you mean {' or '.join(map(repr, near))}?" if near else "`toque list` names them"]
    parts += [f"{_fault(broken)}, and it may define it" for broken in state.broken[:1]]
    return NotFound(message, fix="; ".join(parts))


def _fault(broken: BrokenFile) -> str:
    first = broken.problems[0] if broken.problems else None
    line = f":{first.line}" if first is not None and first.line and first.file in ("", broken.file) else ""
    return f"{broken.file}{line} cannot be loaded" + (f" ({first.message})" if first is not None else "")


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
        raise no_pipeline(asked.project.state, pipeline)
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
