"""Dry runs of syncs: an ordinary run of one node, with the code of the pipeline that holds the sync."""

from __future__ import annotations

import msgspec

from toque.errors import NotFound
from toque.graph import canonical
from toque.graph.syncs import preview_of
from toque.local.authored import version_id
from toque.ports.store import VersionRow


def preview_version(current: VersionRow, task: str, *, actor: str, now_us: int) -> VersionRow:
    """The version whose runs preview a sync of `current`. Raises `NotFound` when `task` is no sync."""
    alone = preview_of(canonical.decode(current.ir), task)
    if alone is None:
        raise NotFound(f"{task} of {current.pipeline} is no sync", fix="GET /api/v1/syncs lists them")
    ir_hash = canonical.content_hash(alone)
    return msgspec.structs.replace(
        current,
        version=version_id(ir_hash, current.bundle),
        pipeline=alone.name,
        ir_hash=ir_hash,
        ir=canonical.encode(alone),
        created_us=now_us,
        actor=actor,
    )
