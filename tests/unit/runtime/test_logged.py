"""What a message says of the log of a failed attempt."""

from __future__ import annotations

import json
import statistics
import traceback
from pathlib import Path

import pytest

from toque.errors import DataError
from toque.runtime.logged import FRAMES, LOG_LINES, Logged, logged, own_frames
from toque.worker.failures import Failures
from toque.worker.frames import rows
from toque.worker.masking import Masker

BUNDLED = """Traceback (most recent call last):
  File "/srv/shop/.toque/bundles/5f2e/shop.py", line 3, in each
    return int(text)
ValueError: the cause

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/shop/.toque/bundles/5f2e/shop.py", line 14, in load
    rows = parsed.read(
           ^^^^^^^^^^^^
  File "/venv/lib/python3.11/site-packages/pandas/core/frame.py", line 700, in apply
    return op.apply()
  File "/srv/shop/.toque/bundles/5f2e/jobs/parsed.py", line 7, in read
    raise ValueError(text) from error
ValueError: no number
"""


def test_own_frames_are_those_of_what_was_raised_last_the_innermost_first() -> None:
    assert own_frames(BUNDLED) == (
        "jobs/parsed.py:7 in read: raise ValueError(text) from error",
        "shop.py:14 in load: rows = parsed.read(",
    )


def test_neither_python_nor_toque_is_among_them() -> None:
    try:
        statistics.mean([])
    except statistics.StatisticsError:
        (frame,) = own_frames(traceback.format_exc())
    assert frame.endswith("in test_neither_python_nor_toque_is_among_them: statistics.mean([])")
    deep = "".join(f'  File "/a.py", line {n}, in f\n' for n in range(20))
    assert own_frames(deep) == tuple(f"/a.py:{n} in f" for n in range(19, 19 - FRAMES, -1))
    assert own_frames("") == ()


def test_the_last_lines_of_a_log_are_without_its_traceback(tmp_path: Path) -> None:
    lines = [{"stream": "log", "msg": f"line {n}\n"} for n in range(20)]
    told = [*lines, {"stream": "traceback", "msg": BUNDLED}]
    (tmp_path / "log").write_text("cut in tw\n" + "\n".join(map(json.dumps, told)))
    found = logged(str(tmp_path / "log"))
    assert found.lines == tuple(f"line {n}" for n in range(20 - LOG_LINES, 20))
    assert found.frames[0].startswith("jobs/parsed.py:7")
    assert logged(str(tmp_path / "none")) == Logged()


@pytest.mark.parametrize(("error", "shows"), [(DataError("meant"), False), (KeyError("a defect"), True)])
def test_a_traceback_has_frames_of_toque_only_where_an_error_arose_that_nobody_meant(
    error: Exception, shows: bool
) -> None:
    class Odd(list[int]):
        def __len__(self) -> int:
            raise error

    class Thrower:
        def throw(self) -> None:
            raise ValueError("the first one")

    try:
        try:
            Thrower().throw()
        except ValueError as first:
            rows(Odd())  # through a file of Toque into one of the user
            raise AssertionError from first
    except type(error) as caught:
        text = Failures((), Masker()).traceback(caught)
    assert "the first one" in text
    assert "worker/frames.py" not in text
    defect = Failures((), Masker())
    monkey = _raised_by_toque(type(error)("again"))
    assert ("masking.py" in defect.traceback(monkey)) is shows


def _raised_by_toque(error: Exception) -> Exception:
    """With a file of Toque at its end."""
    code = compile(
        "def fails(error):\n    raise error\n",
        str(Path(Failures.__init__.__code__.co_filename).parents[1] / "data" / "masking.py"),
        "exec",
    )
    names: dict[str, object] = {}
    exec(code, names)
    try:
        names["fails"](error)  # type: ignore[operator]
    except type(error) as caught:
        return caught
    raise AssertionError
