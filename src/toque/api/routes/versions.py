"""Versions: files, differences, rollback."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from toque.api.asking import Actor, Asked, Name, Paging
from toque.api.errors import NotImplementedYet, documented
from toque.api.wire.model import Page
from toque.api.wire.versions import FileText, Rollback, Version, VersionDiff, VersionFiles

router = APIRouter(tags=["versions"])
VersionId = Annotated[str, Path(description="Id of the version.", min_length=1, max_length=100)]


@router.get("/pipelines/{name}/versions", responses=documented(404))
async def list_versions(asked: Asked, name: Name, page: Annotated[Paging, Query()]) -> Page[Version]:
    """Newest first."""
    raise NotImplementedYet("list_versions")


@router.post("/pipelines/{name}/rollback", responses=documented(404, 409, 422))
async def roll_back(asked: Asked, name: Name, back: Rollback, actor: Actor) -> Version:
    """Make an earlier version the current one, until the file changes."""
    raise NotImplementedYet("roll_back")


@router.get("/versions/{version}/files", responses=documented(404))
async def list_version_files(asked: Asked, version: VersionId) -> VersionFiles:
    """The files of its bundle."""
    raise NotImplementedYet("list_version_files")


@router.get("/versions/{version}/file", responses=documented(404))
async def get_version_file(
    asked: Asked, version: VersionId, path: Annotated[str, Query(min_length=1, max_length=1000)]
) -> FileText:
    """The text of one file."""
    raise NotImplementedYet("get_version_file")


@router.get("/versions/{a}/diff/{b}", responses=documented(404))
async def diff_versions(asked: Asked, a: VersionId, b: VersionId) -> VersionDiff:
    """What became of `a` in `b`."""
    raise NotImplementedYet("diff_versions")
