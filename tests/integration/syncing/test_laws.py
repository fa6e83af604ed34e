"""The laws of syncs with the real ledger: refusals, lost answers and crashes are put right, whatever the rows do."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.integration.syncing.conftest import Shelf, Warehouse, scores
from toque.errors import TransientError
from toque.graph.syncs import Guard, Mirror
from toque.integrations.patience import Patience, Unanswered
from toque.integrations.syncing.run import SyncRejected, sync

SPEC = scores(Mirror(key="id"), guard=Guard(deletes=1_000))

HISTORIES = list(itertools.product([None, 1], [None, 0, 1], [None, 0, 1]))
"""A row before, during and after a sync that is disturbed; None: it is not there. Each is a key of its own."""

ALL = len(HISTORIES)
DISTURBED = {
    "nothing": [],
    "dies before the first batch": [("crash", 0)],
    "dies after half of it": [("crash", ALL // 2)],
    "dies before the answer": [("crash", ALL)],
    "an answer is lost": [("lost", ALL)],
    "two answers are lost": [("lost", ALL), ("lost", 0)],
    "busy": ["busy"],
    "busy for too long": ["busy", "busy"],
    "an answer is lost, then busy": [("lost", ALL), "busy"],
    "an answer is lost, then death": [("lost", ALL // 2), ("crash", ALL)],
}


class Watched(Shelf):
    """A shelf that knows what its records were told to be, and refuses to hear an equal thing again for no reason."""

    batch_size = ALL

    def __init__(self, warehouse: Warehouse) -> None:
        super().__init__()
        self._warehouse = warehouse

    def send(self, operation: Any, records: Any) -> Any:
        answers = self._last_answers()
        for record in records:
            (key,) = record.key.values()
            assert answers.get(key) != (operation, record.fields.get("Score")), "sent twice"
        plan = self.plans.pop(0) if self.plans else None
        match plan:
            case "busy":
                raise TransientError("busy")
            case (how, done):
                self.plans.insert(0, done)
                self.lost = Unanswered("lost") if how == "lost" else RuntimeError("crash")
            case _:
                self.plans.insert(0, None)  # type: ignore[arg-type]
        return super().send(operation, records)

    def _last_answers(self) -> dict[str, tuple[str, Any]]:
        """What was accepted last of each key, as long as nothing was begun since."""
        lines = self._warehouse.run(
            "SELECT json_extract_string(key, '$[0]'), operation, status, json_extract(payload, '$.Score')::INTEGER, run"
            " FROM marts._toque_sync_log WHERE key != '' ORDER BY seq"
        )
        found: dict[str, tuple[str, Any]] = {}
        open_now = max((line[4] for line in lines), default=0)
        for key, operation, status, score, run in lines:
            if status == "accepted":
                found[key] = (operation, score)
            elif status == "sent" and run < open_now:
                found.pop(key, None)
        return found


def attempt(warehouse: Warehouse, shelf: Watched) -> None:
    """A sync, however it ends."""
    try:
        sync(SPEC, warehouse, shelf, patience=Patience(tries=2, sleep=lambda _: None))
    except (SyncRejected, TransientError, RuntimeError):
        pass
    shelf.plans.clear()


def put(warehouse: Warehouse, moment: int) -> None:
    """Have each row as its history has it at one of the three moments."""
    rows = [(f"k{number:02}", history[moment]) for number, history in enumerate(HISTORIES)]
    values = ", ".join(f"('{key}', {score}, '')" for key, score in rows if score is not None)
    warehouse.run(f"DELETE FROM marts.scores; INSERT INTO marts.scores VALUES {values}")


@pytest.mark.parametrize("is_refused", [False, True], ids=["accepting", "refusing"])
@pytest.mark.parametrize("plans", DISTURBED.values(), ids=DISTURBED)
def test_an_undisturbed_sync_puts_right_whatever_happened(
    warehouse: Warehouse, plans: list[Any], is_refused: bool
) -> None:
    shelf = Watched(warehouse)
    put(warehouse, 0)
    attempt(warehouse, shelf)
    put(warehouse, 1)
    shelf.plans = list(plans)
    shelf.refused = {f"k{number:02}" for number in range(0, ALL, 2)} if is_refused else set()
    attempt(warehouse, shelf)
    shelf.refused = set()
    put(warehouse, 2)
    sync(SPEC, warehouse, shelf)
    assert shelf.records == {key: {"Score": score} for key, score, _ in warehouse.run("FROM marts.scores")}
    assert sync(SPEC, warehouse, shelf).sent == 0
