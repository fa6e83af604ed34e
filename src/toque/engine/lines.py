"""Lines of admission: requests that the same executor and the same pools block, in the order of their turn."""

from __future__ import annotations

from collections import OrderedDict, deque

import msgspec

Rank = tuple[int, int, int]
"""Lower goes first: priority (negated), last turn of the run, arrival."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """`slots` of a pool that has `limit`; asked for anew with another limit, the pool takes that over."""

    pool: str
    slots: int
    limit: int

    @property
    def effective(self) -> int:
        """A claim larger than the pool takes all of it, instead of waiting for ever."""
        return max(1, min(self.slots, self.limit))


class Resource:
    """A pool or an executor: how much of it there is, and which lines wait for more."""

    __slots__ = ("elsewhere", "free", "limit", "parked", "used")

    def __init__(self) -> None:
        self.limit: int | None = None
        """Of a pool; None for executors."""
        self.used = 0
        self.elsewhere = 0
        self.free: int | None = None
        """Of an executor; None: nobody has said, so it is not limited."""
        self.parked: list[tuple[Rank, int, Line]] = []

    def left(self) -> int:
        """Slots that can still be taken."""
        if self.limit is not None:
            return self.limit - self.used - self.elsewhere
        return 1_000_000_000 if self.free is None else self.free

    @property
    def has_room(self) -> bool:
        """Whether anything at all can be taken."""
        return self.left() > 0

    def take(self, slots: int) -> None:
        """Somebody holds them now."""
        self.used += slots
        if self.free is not None:
            self.free -= slots

    def give(self, slots: int) -> None:
        """Nobody does any more."""
        self.used -= slots

    def put_back(self, slots: int) -> None:
        """They were taken and not used."""
        self.used -= slots
        if self.free is not None:
            self.free += slots

    def allow(self, free: int) -> None:
        """An executor says how much it would take."""
        self.free = free


class Entry:
    """What one task of one run asks for and holds."""

    __slots__ = ("held", "line", "priority", "run_id", "seq", "task", "wanted")

    def __init__(self, run_id: str, task: str, priority: int, line: Line, seq: int) -> None:
        self.run_id = run_id
        self.task = task
        self.priority = priority
        self.line = line
        self.seq = seq
        self.wanted = 0
        self.held = 0


class Line:
    """Entries by priority; within one, a ring of runs; within a run, first come."""

    __slots__ = ("_levels", "claims", "executor", "holders", "parked_at", "ticket", "woken_by")

    def __init__(self, executor: str, claims: tuple[Claim, ...]) -> None:
        self.executor = executor
        self.claims = claims
        self.holders = 0
        """Attempts that hold slots."""
        self.ticket = 0
        """Number of its valid entry in a heap; older ones are passed over."""
        self.parked_at = ""
        """What blocks it; "" while it is in the race or has nothing to ask."""
        self.woken_by = ""
        """Whose room let it back into the race."""
        self._levels: dict[int, OrderedDict[str, deque[Entry]]] = {}

    def __lt__(self, other: Line) -> bool:
        return id(self) < id(other)

    @property
    def is_empty(self) -> bool:
        """Nobody waits here."""
        return not self._levels

    def add(self, entry: Entry) -> None:
        """Line up an entry that wants something (again)."""
        ring = self._levels.setdefault(entry.priority, OrderedDict())
        waiting = ring.setdefault(entry.run_id, deque())
        if entry not in waiting:
            waiting.append(entry)

    def remove(self, entry: Entry) -> None:
        """Take an entry out."""
        ring = self._levels.get(entry.priority)
        waiting = ring.get(entry.run_id) if ring is not None else None
        if ring is None or waiting is None:
            return
        if entry in waiting:
            waiting.remove(entry)
        if not waiting:
            del ring[entry.run_id]
        if not ring:
            del self._levels[entry.priority]

    def head(self) -> Entry | None:
        """Whose turn it is."""
        while self._levels:
            ring = self._levels[max(self._levels)]
            entry = next(iter(ring.values()))[0]
            if entry.wanted > 0:
                return entry
            self.remove(entry)
        return None

    def has_one_run(self) -> bool:
        """Whether the head has no competitor of its own priority in this line."""
        return len(self._levels[max(self._levels)]) == 1

    def granted(self, entry: Entry) -> None:
        """Its run goes to the end of the ring."""
        if not entry.wanted:
            self.remove(entry)
        ring = self._levels.get(entry.priority)
        if ring is not None and entry.run_id in ring:
            ring.move_to_end(entry.run_id)

    def room(self, resources: dict[str, Resource]) -> tuple[int, str]:
        """How many grants fit, and what fits the fewest."""
        name = f"executor {self.executor}"
        resource = resources.get(name)
        least, blocker = (resource.left() if resource is not None else 1_000_000_000), name
        for claim in self.claims:
            name = f"pool {claim.pool}"
            fitting = resources[name].left() // claim.effective
            if fitting < least:
                least, blocker = fitting, name
        return least, blocker
