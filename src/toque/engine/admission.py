"""The admission machine: who gets slots next, over all runs of this process.

A run asks for `count` slots for a task; all asks with the same executor and the same claims wait in one `Line`, since
they are blocked by the same things. Grants go by priority, then round-robin between runs, then first come. A line that
is blocked is parked at the pool or executor that blocks it, and costs nothing until that has room again.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from toque.engine.lines import Claim, Entry, Line
from toque.engine.race import Race
from toque.errors import ToqueBug


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What all inputs share."""

    run_id: str
    task: str


class Request(Ask, frozen=True, kw_only=True):
    """`count` more task runs of `task` want slots."""

    count: int
    priority: int = 0
    executor: str = ""
    """Name of whatever has a capacity of its own: an executor, or a part of one."""
    claims: tuple[Claim, ...] = ()


class Withdraw(Ask, frozen=True, kw_only=True):
    """`count` fewer."""

    count: int


class Held(Request, frozen=True, kw_only=True):
    """`count` attempts hold slots already: the run was restored with them."""


class Release(Ask, frozen=True, kw_only=True):
    """`count` attempts that held slots have ended, or grants were not used. `spare`: the latter."""

    count: int = 1
    spare: bool = False


class Forget(msgspec.Struct, frozen=True, kw_only=True):
    """The run is not in this process any more: neither its requests nor its slots count."""

    run_id: str


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """The executor would take `free` attempts more, beside those granted and not yet submitted to it."""

    executor: str
    free: int


class UsedElsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """Other processes hold `slots` of the pool."""

    pool: str
    slots: int


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """The fact: `count` task runs of `task` have their slots."""

    run_id: str
    task: str
    count: int


AdmissionInput: TypeAlias = Request | Withdraw | Held | Release | Forget | Capacity | UsedElsewhere


class Admission:
    """State of the machine. Change it through `accept` and `grant` only."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}
        self._runs: dict[str, set[str]] = {}
        self._lines: dict[tuple[str, tuple[Claim, ...]], Line] = {}
        self._race = Race()
        self._arrivals = 0

    # -- looking

    def counts(self, run_id: str, task: str) -> tuple[int, int]:
        """How many of a task's attempts hold slots, and how many more want some."""
        entry = self._entries.get((run_id, task))
        return (entry.held, entry.wanted) if entry is not None else (0, 0)

    def used(self, pool: str) -> int:
        """Slots of a pool that attempts of this process hold."""
        return self._race.resource(f"pool {pool}").used

    # -- inputs

    def accept(self, given: AdmissionInput) -> None:
        """Take note of an input; `grant` acts on it."""
        match given:
            case Held():
                self._hold(self._entry(given), given.count)
            case Request():
                entry = self._entry(given)
                entry.wanted += given.count
                entry.line.add(entry)
                self._race.rouse(entry.line)
            case Withdraw():
                entry_or_none = self._entries.get((given.run_id, given.task))
                if entry_or_none is not None:
                    # A grant may be under way to the run: what it does not use comes back as spare.
                    entry_or_none.wanted = max(0, entry_or_none.wanted - given.count)
                    self._drop_if_idle(entry_or_none)
            case Release():
                self._release(given)
            case Forget():
                self._forget(given.run_id)
            case Capacity():
                self._race.resource(f"executor {given.executor}").allow(given.free)
                self._race.wake(f"executor {given.executor}")
            case UsedElsewhere():
                self._race.resource(f"pool {given.pool}").elsewhere = given.slots
                self._race.wake(f"pool {given.pool}")

    def grant(self, at_most: int = 1_000_000) -> list[Granted]:
        """Hand out what there is; each task at most once in the answer."""
        given: dict[Entry, int] = {}
        left = at_most
        while left > 0 and (line := self._race.first()) is not None:
            entry = line.head()
            if entry is None:
                self._race.sleep(line, None)
                continue
            room, blocker = line.room(self._race.resources)
            if room <= 0:
                self._race.sleep(line, blocker)
                continue
            alone = not self._race.awake and line.has_one_run()
            count = min(entry.wanted, room, left) if alone else 1
            self._hold(entry, count)
            entry.wanted -= count
            given[entry] = given.get(entry, 0) + count
            left -= count
            self._race.had_turn(entry.run_id)
            line.granted(entry)
            self._race.rouse(line)
            if line.woken_by:
                self._race.wake(line.woken_by)
        return [Granted(run_id=entry.run_id, task=entry.task, count=count) for entry, count in given.items()]

    # -- entries

    def _entry(self, given: Request) -> Entry:
        key = (given.run_id, given.task)
        entry = self._entries.get(key)
        if entry is None:
            self._arrivals += 1
            line = self._line(given.executor, given.claims)
            entry = Entry(given.run_id, given.task, given.priority, line, self._arrivals)
            self._entries[key] = entry
            self._runs.setdefault(given.run_id, set()).add(given.task)
        return entry

    def _drop_if_idle(self, entry: Entry) -> None:
        if entry.wanted or entry.held:
            return
        if self._entries.pop((entry.run_id, entry.task), None) is None:
            return
        entry.line.remove(entry)
        tasks = self._runs[entry.run_id]
        tasks.discard(entry.task)
        if not tasks:
            del self._runs[entry.run_id]
        if entry.line.is_empty and not entry.line.holders:
            self._lines.pop((entry.line.executor, entry.line.claims), None)

    def _hold(self, entry: Entry, count: int) -> None:
        entry.held += count
        entry.line.holders += count
        self._race.resource(f"executor {entry.line.executor}").take(count)
        for claim in entry.line.claims:
            self._race.resource(f"pool {claim.pool}").take(count * claim.effective)

    def _release(self, given: Release) -> None:
        entry = self._entries.get((given.run_id, given.task))
        if entry is None:
            return
        if given.count > entry.held:
            raise ToqueBug(f"{given.run_id}/{given.task} gives back {given.count} slots and holds {entry.held}")
        self._give_back(entry, given.count, to_executor=given.spare)
        self._drop_if_idle(entry)

    def _give_back(self, entry: Entry, count: int, *, to_executor: bool) -> None:
        entry.held -= count
        entry.line.holders -= count
        if to_executor:
            # It was never submitted. The end of an attempt, however, is counted by `Capacity`.
            self._race.resource(f"executor {entry.line.executor}").put_back(count)
            self._race.wake(f"executor {entry.line.executor}")
        for claim in entry.line.claims:
            self._race.resource(f"pool {claim.pool}").give(count * claim.effective)
            self._race.wake(f"pool {claim.pool}")

    def _forget(self, run_id: str) -> None:
        for task in list(self._runs.get(run_id, ())):
            entry = self._entries[run_id, task]
            entry.wanted = 0
            self._give_back(entry, entry.held, to_executor=False)
            self._drop_if_idle(entry)
        self._race.forget(run_id)

    # -- lines

    def _line(self, executor: str, claims: tuple[Claim, ...]) -> Line:
        key = (executor, claims)
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = Line(executor, claims)
            for claim in claims:
                self._race.resource(f"pool {claim.pool}").limit = claim.limit
        return line
