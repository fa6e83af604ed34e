"""Lateness: a run that has not ended in time is said to be late, once, whatever it is doing (waiting in the queue
included)."""

from __future__ import annotations

from toque.engine import effects as fx
from toque.engine import facts as f
from toque.engine.state import Run
from toque.engine.turn import Turn


def late_us(run: Run) -> int:
    """When the run is late; 0 for never."""
    late_after_s = run.pipeline.late_after_s
    return 0 if late_after_s is None else run.row.created_us + round(late_after_s * 1_000_000)


def late_timers(run: Run) -> list[fx.AnyEffect]:
    """The timer that a run needs from its creation on, and again wherever it is restored."""
    due_us = late_us(run)
    if not due_us or run.row.late_us or run.row.state.is_terminal:
        return []
    return [fx.SetTimer(kind="run_late", due_us=due_us)]


def on_late(turn: Turn) -> None:
    """The timer fired: early is set again, and a run that has ended or was late before is left alone."""
    run, due_us = turn.run, late_us(turn.run)
    if not late_timers(run):
        return
    if due_us > turn.now_us:
        turn.set_timer("run_late", due_us)
    else:
        turn.emit(f.RunLate(at_us=turn.now_us))
