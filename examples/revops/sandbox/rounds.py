"""Rounds of changes, and what the next run of the pipeline owes the CRM because of them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox import keeper
from sandbox.changes import Changes, changes
from sandbox.filling import change_crm, change_product
from sandbox.people import LINKED, world
from sandbox.salesforce.state import State


@dataclass(frozen=True)
class Due:
    """What the next run must do, no more and no less."""

    updated: int = 0
    deleted: int = 0
    quarantined: int = 0


def due(folder: Path) -> Due:
    """Everything at first, nothing after a run that did it."""
    path = folder / "due.json"
    return Due(**json.loads(path.read_text())) if path.exists() else Due(updated=LINKED)


def settle(folder: Path, owed: Due = Due()) -> None:
    """Remember what is due from now on."""
    (folder / "due.json").write_text(json.dumps(asdict(owed)))


def change(folder: Path) -> Changes:
    """The next round, in both systems."""
    found = keeper.ensure(folder)
    state = State(folder / "crm.db")
    try:
        number = int(state.setting("round", "0"))
        made = changes(world(), number)
        change_product(found.product_url, made)
        with state.transaction():
            change_crm(state, made)
            state.set("round", str(number + 1))
    finally:
        state.close()
    before = due(folder)
    settle(
        folder,
        Due(before.updated + made.changed, before.deleted + len(made.closed), before.quarantined + len(made.broken)),
    )
    return made
