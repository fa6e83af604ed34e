"""Columns of runs that a bar needs: `rest` is left where it is."""

from __future__ import annotations

from typing import Any

from toque.engine.states import RunState
from toque.ports.pages import RunBar

BAR = "run_id, pipeline, version, state, trigger, logical_us, created_us, started_us, finished_us"
_STATES = {state.value: state for state in RunState}


def bar(row: Any) -> RunBar:
    """A row of `BAR`."""
    return RunBar(
        run_id=row[0],
        pipeline=row[1],
        version=row[2],
        state=_STATES[row[3]],
        trigger=row[4],
        logical_us=row[5],
        created_us=row[6],
        started_us=row[7],
        finished_us=row[8],
    )
