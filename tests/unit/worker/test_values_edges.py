"""Values, tables and failures at their edges: what once came back changed, or took the worker down with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from toque.errors import UserError
from toque.store.blobs import MemoryBlobs
from toque.worker import projection, values
from toque.worker.failures import Failures
from toque.worker.masking import Masker


def round_trip(value: Any) -> Any:
    blobs = MemoryBlobs()
    return values.decode(values.encode(value, values.Place(blobs, lambda: "k")), blobs)


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2020-01-01", periods=2),
        pd.date_range("2020-01-01", periods=2, freq="h", tz="Europe/Madrid"),
        pd.timedelta_range("1h", periods=2, freq="2h"),
        pd.period_range("2020-01", periods=2, freq="M"),
        pd.Index([1, 2], dtype=object),
        pd.MultiIndex.from_arrays([[1, 2], [(1, 2), (3, 4)]]),
    ],
    ids=lambda index: type(index).__name__,
)
def test_a_frame_keeps_its_index_with_frequency_and_type(index: pd.Index) -> None:
    frame = pd.DataFrame({"n": [1, 2]}, index=index)
    back = round_trip(frame)
    pd.testing.assert_frame_equal(back, frame)
    assert getattr(back.index, "freq", None) == getattr(index, "freq", None)


@pytest.mark.parametrize("array", [np.array([1, 2]), np.array([])], ids=str)
def test_an_array_that_is_no_scalar_cannot_decide_a_branch(array: Any) -> None:
    with pytest.raises(UserError, match=r"it is a numpy\.ndarray"):
        projection.export(array, ())


def test_an_array_of_one_number_is_that_number() -> None:
    assert projection.export(np.array([3]), ()) == 3


def test_an_error_that_cannot_say_what_it_is_is_described_all_the_same() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError("no words")

    described = Failures((), Masker()).describe(Mute())
    assert described.type.endswith("Mute")
    assert "ValueError: no words" in described.message
