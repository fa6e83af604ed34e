"""Around the call of an asset's function: slices, what is kept, what is read."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import pytest

from tests.attempts import spec
from toque.engine.assets import Materialized
from toque.engine.inputs import AttemptFailed, AttemptSucceeded
from toque.errors import UserError
from toque.graph.assets import AssetInput
from toque.graph.ir import CodeRef, Inject, TaskNode
from toque.graph.partitions import AllKeys, AnyPartitioning, Grid, Matching, StaticKeys, TimeWindows
from toque.store.blobs import MemoryBlobs
from toque.worker import attempt, materializing, values
from toque.worker.environment import Environment
from toque.worker.slices import NothingThere, Saved, Site, Slice

DAYS = TimeWindows(every="day", start="2026-01-01", end="2026-01-31")
REGIONS = StaticKeys(keys=("eu", "us"))
DAY_US = 86_400_000_000


class Shelf:
    """An IO manager that remembers."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.asked: list[tuple[list[str], Any, str]] = []

    def save(self, target: Slice, value: Any, site: Site) -> Saved:
        self.values[str(target)] = value
        return Saved(data_version=f"v:{value}", rows=7, metadata={"project": site.project})

    def load(self, slices: Sequence[Slice], kind: Any, site: Site) -> Any:
        self.asked.append(([str(each) for each in slices], kind, site.attempt))
        for each in slices:
            if str(each) not in self.values:
                raise NothingThere(each)
        return [self.values[str(each)] for each in slices]


class Made:
    """What an asset object is to a worker."""

    def __init__(self, function: Any, shelf: Shelf, partitions: AnyPartitioning | None = None) -> None:
        self.__toque_function__ = function
        self.__toque_io__ = shelf
        self.__toque_partitions__ = partitions
        self.__toque_checks__: dict[str, Any] = {}
        self.settings: dict[str, Any] = {}


def total(orders: Any) -> int:
    return sum(orders)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def module(shelf: Shelf) -> Iterator[ModuleType]:
    """A module of a project, with an asset that counts its rows."""
    made = ModuleType("made")
    made.orders = Made(lambda: 3, shelf)  # type: ignore[attr-defined]
    made.daily = Made(lambda: 4, shelf, DAYS)  # type: ignore[attr-defined]
    made.reader = Made(total, shelf)  # type: ignore[attr-defined]
    sys.modules["made"] = made
    yield made
    del sys.modules["made"]


def node(name: str, key: str, **inject: Inject) -> TaskNode:
    code = CodeRef(module="made", qualname=name, source_hash="c0de")
    return TaskNode(id=name, code=code, writes=(key,), inject=inject)


def reading(key: str, name: str, **wanted: Any) -> Inject:
    return Inject(kind="asset", name=key, code=CodeRef(module="made", qualname=name), asset=AssetInput(**wanted))


def test_what_the_function_returns_is_kept_and_told(module: ModuleType, shelf: Shelf, env: Environment) -> None:
    report = attempt.execute(spec(node("orders", "raw.orders")), env)
    assert isinstance(report, AttemptSucceeded)
    assert shelf.values == {"raw.orders": 3}
    assert report.assets == (
        Materialized(
            asset="raw.orders", data_version="v:3", code_version="c0de", rows=7, metadata={"project": env.project}
        ),
    )
    assert values.decode(report.result, MemoryBlobs()) == {"asset": "raw.orders", "rows": 7, "data_version": "v:3"}


def test_a_run_of_a_partition_makes_that_slice(module: ModuleType, shelf: Shelf, env: Environment) -> None:
    report = attempt.execute(spec(node("daily", "daily"), partition_key="2026-01-05"), env)
    assert isinstance(report, AttemptSucceeded)
    assert [event.partition for event in report.assets] == ["2026-01-05"]
    assert shelf.values == {"daily[2026-01-05]": 4}


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "has partitions, and the run is of none"),
        ("2026-02-05", "no partition '2026-02-05'"),
        ("eu", "is not a day"),
    ],
)
def test_a_run_of_no_slice_of_it_fails_with_the_fix(
    module: ModuleType, shelf: Shelf, env: Environment, key: str, message: str
) -> None:
    report = attempt.execute(spec(node("daily", "daily"), partition_key=key), env)
    assert isinstance(report, AttemptFailed)
    assert message in report.error.message
    assert "Fix:" in report.error.message
    assert shelf.values == {}


def test_what_it_is_made_from_is_read_before(module: ModuleType, shelf: Shelf, env: Environment) -> None:
    shelf.values["raw.orders"] = 30
    made = spec(node("reader", "sum", orders=reading("raw.orders", "orders")))
    report = attempt.execute(made, env)
    assert isinstance(report, AttemptSucceeded)
    assert shelf.values["sum"] == 30
    assert shelf.asked == [(["raw.orders"], Any, materializing.attempt_name(made))]


def test_what_was_never_made_is_named_with_the_command_that_makes_it(module: ModuleType, env: Environment) -> None:
    report = attempt.execute(spec(node("reader", "sum", orders=reading("raw.orders", "orders"))), env)
    assert isinstance(report, AttemptFailed)
    assert "raw.orders has not been materialized" in report.error.message
    assert "toque materialize raw.orders" in report.error.message


def test_a_missing_slice_is_named_too(module: ModuleType, shelf: Shelf, env: Environment) -> None:
    wanted = reading("daily", "daily", mapping=Matching(), ours=DAYS, theirs=DAYS)
    made = spec(node("reader", "sum", orders=wanted), partition_key="2026-01-05", created_us=100 * 365 * DAY_US)
    report = attempt.execute(made, env)
    assert isinstance(report, AttemptFailed)
    assert "toque materialize daily --partitions '2026-01-05'" in report.error.message


@pytest.mark.parametrize(
    ("wanted", "partition", "expected"),
    [
        ({"theirs": REGIONS, "mapping": AllKeys()}, "", ["x[eu]", "x[us]"]),
        ({"theirs": REGIONS}, "us", ["x[us]"]),  # a plain task of a run of this slice
        ({"theirs": REGIONS}, "", ["x[eu]", "x[us]"]),
        ({"theirs": DAYS, "ours": TimeWindows(every="month", start="2026-01")}, "2026-01", None),
        ({}, "us", ["x"]),
    ],
)
def test_which_slices_are_read(
    module: ModuleType, shelf: Shelf, wanted: dict[str, Any], partition: str, expected: list[str] | None
) -> None:
    slices = expected or [f"x[2026-01-{day:02}]" for day in range(1, 32)]
    shelf.values.update({key: n for n, key in enumerate(slices)})
    made = spec(node("orders", "raw.orders"), partition_key=partition, created_us=100 * 365 * DAY_US)
    materializing.supplied(reading("x", "orders", **wanted), made, list, Site(MemoryBlobs(), "", "me"))
    assert shelf.asked == [(slices, list, "me")]


def test_a_slice_of_time_knows_its_span() -> None:
    found = materializing.slice_of("a", DAYS, "2026-01-05")
    assert (found.end_us - found.start_us, str(found)) == (DAY_US, "a[2026-01-05]")
    grid = Grid(rows=DAYS, columns=REGIONS, names=("day", "region"))
    assert materializing.slice_of("a", grid, "2026-01-05|eu").start_us == found.start_us
    assert materializing.slice_of("a", REGIONS, "eu") == Slice(asset="a", partition="eu")
    assert materializing.slice_of("a", None, "2026-01-05") == Slice(asset="a")
    with pytest.raises(UserError, match="no partition 'ap'"):
        materializing.slice_of("a", grid, "2026-01-05|ap")
