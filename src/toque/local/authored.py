"""Versions: the code of a project as it is now, snapshotted, loaded in another process, and put into the store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toque.engine.rows import RunRow
from toque.engine.states import RunState
from toque.errors import UserError
from toque.graph import canonical
from toque.graph.ir import Pipeline
from toque.local.loading import prepare
from toque.local.names import unknown_names
from toque.local.site import bundle_ref
from toque.ports.executor import BundleRef
from toque.ports.store import VersionRow
from toque.runtime.ids import new_run_id
from toque.settings import Settings
from toque.store import bundles


@dataclass(frozen=True)
class Authored:
    """A pipeline of a file, with the parameters of a run of it."""

    pipeline: Pipeline
    parameters: dict[str, Any]
    bundle: BundleRef
    row: VersionRow


def version_id(ir_hash: str, bundle: str) -> str:
    """A pipeline version is its graph with its code."""
    return f"{ir_hash[:12]}.{bundle[:12]}"


def author(
    settings: Settings, bundle: bundles.Bundle, file: Path, name: str, parameters: Mapping[str, Any], now_us: int
) -> Authored:
    """The pipeline `name` of `file` (relative to the project), as it stands in `bundle`. Raises `UserError`."""
    pipeline, values = prepare(bundle.path, bundle.path / file, name, parameters)
    check_names(pipeline, settings)
    if settings.environments:
        from toque.local.environments import make_needed  # its imports cost more than most runs have use for

        make_needed(pipeline, settings)
    row = version_row(pipeline, bundle, now_us, file=str(file))
    return Authored(pipeline, values, bundle_ref(settings, bundle.hash), row)


def version_row(
    pipeline: Pipeline, bundle: bundles.Bundle, now_us: int, *, file: str = "", actor: str = "", ir_hash: str = ""
) -> VersionRow:
    """The version that a pipeline is with the code of `bundle`. `ir_hash`: of the pipeline, by whoever knows it."""
    ir_hash = ir_hash or canonical.content_hash(pipeline)
    return VersionRow(
        version=version_id(ir_hash, bundle.hash),
        pipeline=pipeline.name,
        ir_hash=ir_hash,
        bundle=bundle.hash,
        ir=canonical.encode(pipeline),
        created_us=now_us,
        git_commit=bundle.git_commit,
        git_dirty=bundle.git_dirty,
        file=file,
        actor=actor,
    )


def check_names(pipeline: Pipeline, settings: Settings) -> None:
    """Refuse a pipeline that uses a name that `toque.toml` does not have. Raises `UserError`."""
    for problem in unknown_names(pipeline, settings):
        raise problem.error()


def relative(settings: Settings, file: Path) -> Path:
    """`file` as the bundle knows it. Raises `UserError` when it is not in the project."""
    try:
        return file.resolve().relative_to(settings.project.resolve())
    except ValueError:
        raise UserError(
            f"{file} is not in the project {settings.project}", fix=f"cd {os.path.dirname(file) or '.'}"
        ) from None


def new_row(pipeline: str, version: str, parameters: dict[str, Any], now_us: int, **fields: Any) -> RunRow:
    """A queued run of a version, made by hand."""
    return RunRow(
        run_id=new_run_id(now_us),
        pipeline=pipeline,
        version=version,
        state=RunState.QUEUED,
        parameters=parameters,
        created_us=now_us,
        logical_us=now_us,
        **fields,
    )
