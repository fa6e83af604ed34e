"""How fresh an asset is, as pages show it: by its policy, else compared with the gaps of its past."""

from __future__ import annotations

from toque.api.asset_freshness import _usual, stated
from toque.engine.assets import Materialized
from toque.engine.rows import AssetEventRow
from toque.graph.assets import Asset
from toque.graph.freshness import FreshnessPolicy
from toque.ports.assets import SliceRow

HOUR = 3_600_000_000


def made(at_us: int, backfill: str = "") -> AssetEventRow:
    return AssetEventRow(
        run_id=f"r{at_us}",
        task="t",
        attempt=1,
        n=0,
        pipeline="p",
        asset="orders",
        partition="",
        kind="materialized",
        at_us=at_us,
        event=Materialized(asset="orders", data_version=str(at_us)),
        backfill_id=backfill,
    )


HOURLY = [made(n * HOUR) for n in range(1, 9)]


def test_a_policy_says_the_deadline_and_what_is_asked() -> None:
    policy = Asset(key="orders", freshness=FreshnessPolicy(within_s=3600))
    found = stated(policy, SliceRow(asset="orders", materialized_us=HOUR), 3 * HOUR)
    assert found is not None
    assert (found.state, found.since_us, found.deadline_us) == ("overdue", 2 * HOUR, 2 * HOUR)
    assert (found.updated_us, found.policy) == (HOUR, "not older than 1h")
    assert stated(policy, None, 3 * HOUR).state == "unknown"  # type: ignore[union-attr]
    assert stated(Asset(key="orders"), None, 3 * HOUR) is None


def test_without_one_a_gap_that_is_longer_than_usual_is_due_and_never_overdue() -> None:
    usual, late = _usual(HOURLY, 9 * HOUR), _usual(HOURLY, 40 * HOUR)
    assert usual is not None
    assert late is not None
    assert (usual.state, usual.words, usual.policy) == ("fresh", "as usual: its past says within 1h30m", "")
    assert (late.state, late.since_us, late.deadline_us) == ("due", 8 * HOUR + 5_400_000_000, 0)


def test_with_a_short_past_nothing_is_said() -> None:
    assert _usual(HOURLY[:7], 99 * HOUR) is None
    assert _usual([], 99 * HOUR) is None


def test_what_backfills_make_says_nothing_of_how_often_the_others_are_made() -> None:
    assert _usual([*HOURLY[:7], made(8 * HOUR, "b1"), made(9 * HOUR, "b1")], 99 * HOUR) is None
