"""How a slice stands after what was told of it: the rules that all stores share."""

from __future__ import annotations

from functools import reduce

from toque.engine.assets import AnyAssetEvent, Checked, Materialized, Observed, Reviewed
from toque.engine.rows import AssetEventRow
from toque.ports.assets import SliceRow
from toque.store.slices import fold


def row(at_us: int, event: AnyAssetEvent) -> AssetEventRow:
    return AssetEventRow(
        run_id=f"r{at_us}",
        task="t",
        attempt=1,
        n=0,
        pipeline="p",
        asset=event.asset,
        partition="",
        kind=str(type(event).__struct_config__.tag),
        at_us=at_us,
        event=event,
    )


def after(*events: tuple[int, AnyAssetEvent]) -> SliceRow:
    first, *others = (row(*each) for each in events)
    return reduce(fold, others, fold(None, first))


def made(version: str = "v1") -> Materialized:
    return Materialized(asset="orders", data_version=version)


def seen(version: str, updated_us: int = 0) -> Observed:
    return Observed(asset="orders", data_version=version, updated_us=updated_us)


def review(made_us: int, *, was_anomaly: bool = False) -> Reviewed:
    return Reviewed(asset="orders", made_us=made_us, run="r10", check="odd", was_anomaly=was_anomaly)


ODD = Checked(asset="orders", check="odd", passed=False, severity="warn")
OWN = Checked(asset="orders", check="own", passed=False)


def test_what_somebody_calls_normal_fails_no_longer() -> None:
    assert after((10, made()), (10, ODD), (10, OWN), (20, review(10))).failing == {"own": "block"}


def test_what_was_wrong_fails_until_it_is_made_again() -> None:
    told = ((10, made()), (10, ODD), (20, review(10, was_anomaly=True)))
    assert after(*told).failing == {"odd": "warn"}
    held = Checked(asset="orders", check="odd", passed=True, severity="warn")
    assert after(*told, (30, made()), (30, held)).failing == {}


def test_a_review_of_what_was_made_before_says_nothing_of_what_is_there_now() -> None:
    assert after((9, made()), (10, made()), (10, ODD), (20, review(9))).failing == {"odd": "warn"}


def test_data_is_of_when_it_was_made() -> None:
    assert after((10, made()), (20, seen("v1")), (30, seen(""))).data_of_us == 10
    assert after((10, made()), (20, made())).data_of_us == 20


def test_data_is_of_when_its_source_says_that_it_changed() -> None:
    assert after((30, seen("1", updated_us=4))).data_of_us == 4
    assert after((30, seen("1", updated_us=4)), (40, seen("1"))).data_of_us == 4
    assert after((30, seen("1", updated_us=4)), (50, seen("2"))).data_of_us == 50


def test_what_an_older_release_wrote_says_when_it_was_made() -> None:
    assert SliceRow(asset="orders", materialized_us=5, changed_us=3).data_of_us == 5
