"""What is written for pages: words when a run is created; a summary and counts when it ends.

A run that is changed after its end is summed up anew, so that a summary never differs from the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from toque.engine.rows import RunRow
from toque.engine.states import RUN_TERMINAL
from toque.ports.store import Commit
from toque.store.history.quarters import quarter_of
from toque.store.history.words import words_of
from toque.store.sql.history import summaries
from toque.store.sql.history_tables import EVER, RUN_SUMMARIES, RUN_WORDS
from toque.store.sql.session import Session

_TERMINAL = frozenset(state.value for state in RUN_TERMINAL)


def created(session: Session, runs: Iterable[RunRow]) -> None:
    """Rows of runs were inserted."""
    rows = [*runs]
    words = [(word, run.run_id) for run in rows for word in words_of(run)]
    if words:
        session.insert(RUN_WORDS, RUN_WORDS.column_names, words)
    over = [run for run in rows if run.state in RUN_TERMINAL]
    if over:
        _sum_up(session, over, {})


def committed(session: Session, batch: Commit, before: Mapping[str, str]) -> None:
    """A batch was written; `before` has the states of the runs that it touched, of those that there were."""
    runs = {run.run_id: run for run in batch.runs}
    fresh = [run for run in runs.values() if run.run_id not in before]
    if fresh:
        created(session, fresh)
    over = [
        run
        for run in runs.values()
        if run.run_id in before and (run.state in RUN_TERMINAL or before[run.run_id] in _TERMINAL)
    ]
    if over:
        _sum_up(session, over, before)


def removed(session: Session, run_id: str) -> None:
    """The run is deleted in this transaction. Its counts stay."""
    session.run("DELETE FROM run_words WHERE run_id = ?", (run_id,))
    session.run("DELETE FROM run_summaries WHERE run_id = ?", (run_id,))


def _sum_up(session: Session, runs: Sequence[RunRow], before: Mapping[str, str]) -> None:
    counts: dict[tuple[str, int, str], tuple[int, int]] = {}
    written = []
    for run in runs:
        old = before.get(run.run_id, "")
        if old in _TERMINAL:
            known = session.rows("SELECT tasks FROM run_summaries WHERE run_id = ?", (run.run_id,))
            _add(counts, run, old, -1, -known[0][0] if known else 0)
        if run.state in RUN_TERMINAL:
            nodes = summaries.count(session, run.run_id)
            tasks = sum(node.total for node in nodes)
            _add(counts, run, run.state.value, 1, tasks)
            written.append((run.run_id, tasks, summaries.pack(nodes)))
        else:
            session.run("DELETE FROM run_summaries WHERE run_id = ?", (run.run_id,))
    session.upsert(RUN_SUMMARIES, RUN_SUMMARIES.column_names, written)
    # In one order everywhere, so that two transactions never wait for each other.
    for key, amounts in sorted(counts.items()):
        if any(amounts):
            session.run(
                "INSERT INTO run_counts (pipeline, at_us, state, runs, tasks) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (pipeline, at_us, state) DO UPDATE"
                " SET runs = run_counts.runs + excluded.runs, tasks = run_counts.tasks + excluded.tasks",
                (*key, *amounts),
            )


def _add(counts: dict[tuple[str, int, str], tuple[int, int]], run: RunRow, state: str, runs: int, tasks: int) -> None:
    for at_us in (EVER, quarter_of(run)):
        key = (run.pipeline, at_us, state)
        known = counts.get(key, (0, 0))
        counts[key] = known[0] + runs, known[1] + tasks
