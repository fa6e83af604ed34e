"""The checks of assets: what each found when it was made last, how it went before, and what fails anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from toque.api.assets import Catalogue
from toque.api.current_checks import is_gone, of_current, told_by
from toque.api.plain import plain
from toque.api.services import Services
from toque.api.wire.asset_checks import AssetCheck, CheckOutcome, FailingAssetCheck
from toque.engine.assets import Checked, Reviewed
from toque.engine.rows import AssetEventRow
from toque.ports.assets import EventQuery, SliceRow
from toque.runtime.evidence import replay_command
from toque.runtime.past import CHECKS

LOOKED_BACK = 500
"""Outcomes of all checks of an asset."""
STRIP = 40
"""Outcomes of one check in its history."""
OF_A_SLICE = 100
"""Outcomes of a failing slice, to learn since when it fails."""


async def checks(asked: Services, known: Catalogue, key: str, partition: str | None) -> list[AssetCheck]:
    """Of one asset, failing ones first, then by name; those that its code does not have any more are left out.

    Raises `NotFound`.
    """
    asset = known.find(key).asset
    rows = await asked.store.assets.events(
        EventQuery(asset=key, partition=partition, kind="checked", limit=LOOKED_BACK)
    )
    made = await asked.store.assets.events(EventQuery(asset=key, partition=partition, kind="materialized", limit=1))
    made_by, tellers = made[0].task if made else "", told_by(rows)
    by_name: dict[str, list[AssetEventRow]] = {}
    for row in rows:
        check = _checked(row).check
        if not is_gone(asset, check, tellers[check], made_by):
            by_name.setdefault(check, []).append(row)
    found = [_check(told) for told in by_name.values()]
    if any(not each.passed and each.check in CHECKS.values() for each in found):
        found = await _reviewed(asked, key, found)
    return sorted(found, key=lambda each: (each.passed or each.reviewed == "normal", each.check))


async def _reviewed(asked: Services, key: str, found: Sequence[AssetCheck]) -> list[AssetCheck]:
    """With what somebody said of what was unlike the past."""
    told = await asked.store.assets.events(EventQuery(asset=key, kind="reviewed", limit=LOOKED_BACK))
    said: dict[tuple[str, str, str], bool] = {}
    for row in told:
        if isinstance(row.event, Reviewed):
            said.setdefault((row.event.run, row.event.partition, row.event.check), row.event.was_anomaly)
    return [
        each.model_copy(update={"reviewed": review_words(said.get((each.run_id, each.partition, each.check)))})
        for each in found
    ]


def review_words(was_anomaly: bool | None) -> Literal["", "anomaly", "normal"]:
    """What somebody said, on the wire."""
    return "" if was_anomaly is None else "anomaly" if was_anomaly else "normal"


async def failing(asked: Services, limit: int) -> list[FailingAssetCheck]:
    """Of all assets, by asset and slice; at most of `limit` slices."""
    found: list[FailingAssetCheck] = []
    for row in await of_current(asked, asked.project.state.assets, await asked.store.assets.failing(limit)):
        found += await _of_slice(asked, row)
    return found


async def _of_slice(asked: Services, row: SliceRow) -> list[FailingAssetCheck]:
    query = EventQuery(asset=row.asset, partition=row.partition, kind="checked", limit=OF_A_SLICE)
    told = await asked.store.assets.events(query)
    found = []
    for check in sorted(row.failing):
        streak: list[AssetEventRow] = []
        for each in told:
            if _checked(each).check == check:
                if _checked(each).passed:
                    break
                streak.append(each)
        if streak:  # retention takes the log and leaves the standing
            last = _checked(streak[0])
            found.append(
                FailingAssetCheck(
                    asset=row.asset,
                    partition=row.partition,
                    check=check,
                    severity=last.severity,
                    since_us=streak[-1].at_us,
                    at_us=streak[0].at_us,
                    run_id=streak[0].run_id,
                    failed_rows=last.failed_rows,
                    total_rows=last.total_rows,
                    message=last.message,
                )
            )
    return found


def _check(made: Sequence[AssetEventRow]) -> AssetCheck:
    last = made[0]
    told = _checked(last)
    return AssetCheck(
        **_outcome(last).model_dump(),
        check=told.check,
        pipeline=last.pipeline,
        task=last.task,
        index=list(last.map_index),
        attempt=last.attempt,
        message=told.message,
        column=told.column,
        sample=[plain(row) for row in told.sample],
        rejects=told.rejects,
        batch_id=told.batch_id,
        replay=replay_command(told) if told.rejects else "",
        history=[_outcome(each) for each in reversed(made[:STRIP])],
        reviewed="",
    )


def _outcome(row: AssetEventRow) -> CheckOutcome:
    told = _checked(row)
    return CheckOutcome(
        at_us=row.at_us,
        run_id=row.run_id,
        partition=row.partition,
        passed=told.passed,
        failed_rows=told.failed_rows,
        total_rows=told.total_rows,
        severity=told.severity,
    )


def _checked(row: AssetEventRow) -> Checked:
    told: Any = row.event
    assert isinstance(told, Checked)
    return told
