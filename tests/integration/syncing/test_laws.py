"""The laws of syncs with the real ledger: any sequence of changes, refusals, lost answers and crashes is put right."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.syncing.conftest import Shelf, Warehouse, scores
from toque.errors import TransientError
from toque.graph.syncs import Mirror
from toque.integrations.patience import Patience, Unanswered
from toque.integrations.syncing.run import SyncRejected, sync

KEYS = st.sampled_from("abcd")
PLANS = st.lists(
    st.one_of(st.none(), st.just("busy"), st.tuples(st.sampled_from(["lost", "crash"]), st.integers(0, 2))), max_size=4
)
STEPS = st.one_of(
    st.tuples(st.just("put"), KEYS, st.integers(0, 2)),
    st.tuples(st.just("remove"), KEYS),
    st.tuples(st.just("sync"), PLANS, st.frozensets(KEYS)),
)
SPEC = scores(Mirror(key="id"))


class Watched(Shelf):
    """A shelf that knows what its records were told to be, and refuses to hear an equal thing again for no reason."""

    def __init__(self, warehouse: Warehouse) -> None:
        super().__init__()
        self._warehouse = warehouse

    def send(self, operation: Any, records: Any) -> Any:
        for record in records:
            (key,) = record.key.values()
            assert self._last_answers().get(key) != (operation, record.fields.get("Score")), "sent twice"
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


@settings(max_examples=15)
@given(st.lists(STEPS, max_size=8))
def test_an_undisturbed_sync_puts_right_whatever_happened(steps: list[Any]) -> None:
    warehouse = Warehouse()
    shelf = Watched(warehouse)
    for step in steps:
        match step:
            case ("put", key, score):
                warehouse.put(**{key: score})
            case ("remove", key):
                warehouse.remove(key)
            case (_, plans, refused):
                shelf.plans, shelf.refused = list(plans), set(refused)
                attempt(warehouse, shelf)
                shelf.refused = set()
    sync(SPEC, warehouse, shelf)
    assert shelf.records == {key: {"Score": score} for key, score, _ in warehouse.run("FROM marts.scores")}
    assert sync(SPEC, warehouse, shelf).sent == 0
    warehouse.connection.close()
