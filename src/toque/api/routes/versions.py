"""Versions: files, differences, rollback."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query

from toque.api.asking import Actor, Asked, Name, Paging
from toque.api.changes import file_changes, graph_changes
from toque.api.errors import documented
from toque.api.lookups import cursor_of, find_current, find_version, position_of
from toque.api.wire.model import Page
from toque.api.wire.versions import FileText, Rollback, Version, VersionDiff, VersionFiles
from toque.errors import Conflict, NotFound
from toque.graph import canonical
from toque.graph.diff import diff
from toque.ports.store import VersionRow

router = APIRouter(tags=["versions"])
VersionId = Annotated[str, Path(description="Id of the version.", min_length=1, max_length=100)]
MOST = 2000
"""Versions of a pipeline that can be listed."""


@router.get("/pipelines/{name}/versions", responses=documented(404))
async def list_versions(asked: Asked, name: Name, page: Annotated[Paging, Query()]) -> Page[Version]:
    """Newest first."""
    current = await find_current(asked, name)
    position = position_of(page.cursor, int)
    start = max(0, position[0]) if position else 0
    found = (await asked.store.list_versions(name, min(MOST, start + page.limit + 1)))[start:]
    shown = found[: page.limit]
    more = len(found) > len(shown)
    return Page(
        items=[_version(row, current.version) for row in shown],
        next=cursor_of([start + len(shown)]) if more else None,
    )


@router.post("/pipelines/{name}/rollback", responses=documented(404, 409, 422))
async def roll_back(asked: Asked, name: Name, back: Rollback, actor: Actor) -> Version:
    """Make an earlier version the current one, until what the file says about the pipeline changes."""
    await find_current(asked, name)
    row = await find_version(asked, back.version)
    if row.pipeline != name:
        raise Conflict(f"{back.version} is a version of {row.pipeline}", fix=f"name a version of {name}")
    try:
        await asyncio.to_thread(asked.code.files, row.bundle)
    except NotFound as gone:
        raise Conflict(f"{back.version} cannot run any more: {gone.message}", fix="choose a later version") from gone
    await asked.store.set_current(name, row.version, actor=actor, now_us=asked.clock.now_us())
    await asked.project.refresh(name)
    return _version(row, row.version)


@router.get("/versions/{version}/files", responses=documented(404))
async def list_version_files(asked: Asked, version: VersionId) -> VersionFiles:
    """The files of its bundle."""
    row = await find_version(asked, version)
    return VersionFiles(files=await asyncio.to_thread(asked.code.files, row.bundle))


@router.get("/versions/{version}/file", responses=documented(404))
async def get_version_file(
    asked: Asked, version: VersionId, path: Annotated[str, Query(min_length=1, max_length=1000)]
) -> FileText:
    """The text of one file."""
    row = await find_version(asked, version)
    return FileText(path=path, text=await asyncio.to_thread(asked.code.text, row.bundle, path))


@router.get("/versions/{a}/diff/{b}", responses=documented(404))
async def diff_versions(asked: Asked, a: VersionId, b: VersionId) -> VersionDiff:
    """What became of `a` in `b`."""
    old, new = await find_version(asked, a), await find_version(asked, b)
    changes = await asyncio.to_thread(lambda: diff(canonical.decode(old.ir), canonical.decode(new.ir)))
    files = await asyncio.to_thread(file_changes, asked.code, old.bundle, new.bundle)
    return VersionDiff(graph=graph_changes(changes), files=files)


def _version(row: VersionRow, current: str) -> Version:
    return Version(
        version=row.version,
        pipeline=row.pipeline,
        created_us=row.created_us,
        actor=row.actor,
        git_commit=row.git_commit,
        git_dirty=row.git_dirty,
        file=row.file,
        is_current=row.version == current,
    )
