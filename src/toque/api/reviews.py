"""Reviews: somebody says whether what was unlike the past was wrong, or is normal."""

from __future__ import annotations

from toque.api.assets import Catalogue
from toque.api.services import Services
from toque.api.wire.asset_checks import NewReview
from toque.engine.assets import Reviewed
from toque.engine.rows import AssetEventRow
from toque.errors import NotFound
from toque.runtime.past import CHECKS, made_in, told_of

SAID_BY = "review/"
"""Before the key of the asset: who says what no run does."""


async def review(asked: Services, known: Catalogue, key: str, wanted: NewReview, actor: str) -> None:
    """Take it down; of several reviews of one materialization the last one counts. Raises `NotFound`."""
    known.find(key)
    past = made_in(await told_of(asked.store, key, wanted.partition))
    # What a run counted when it had ended is of what it made before that.
    made = [each.row for each in past if each.row.run_id == wanted.run_id and each.row.at_us <= wanted.made_us]
    if not made:
        raise NotFound(
            f"{key} was not made by the run {wanted.run_id!r} then", fix=f"GET /api/v1/assets/{key}/measures"
        )
    now_us = asked.clock.now_us()
    said = Reviewed(
        asset=key,
        partition=wanted.partition,
        made_us=made[-1].at_us,
        run=wanted.run_id,
        check=CHECKS[wanted.measured],
        was_anomaly=wanted.was_anomaly,
        actor=actor,
    )
    row = AssetEventRow(
        run_id=SAID_BY + key,
        task=said.check,
        attempt=0,
        n=now_us,
        pipeline="",
        asset=key,
        partition=wanted.partition,
        kind="reviewed",
        at_us=now_us,
        event=said,
    )
    await asked.store.assets.say([row])
