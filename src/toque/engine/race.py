"""The race: which line of admission is next, and which lines wait for which pool or executor."""

from __future__ import annotations

from heapq import heappop, heappush

from toque.engine.lines import Line, Rank, Resource


class Race:
    """Lines that may be granted something, by priority, longest-waiting run and arrival; and those that are parked."""

    def __init__(self) -> None:
        self.resources: dict[str, Resource] = {}
        self.awake: list[tuple[Rank, int, Line]] = []
        self._turns: dict[str, int] = {}
        """When each run was last granted something: round-robin is that the longest-waiting goes first."""
        self._turn = 0

    def resource(self, name: str) -> Resource:
        """`pool <name>` or `executor <name>`."""
        found = self.resources.get(name)
        if found is None:
            found = self.resources[name] = Resource()
        return found

    def first(self) -> Line | None:
        """Take the line whose turn it is."""
        while self.awake:
            _, ticket, line = heappop(self.awake)
            if ticket == line.ticket:
                return line
        return None

    def had_turn(self, run_id: str) -> None:
        """A run was granted something."""
        self._turn += 1
        self._turns[run_id] = self._turn

    def forget(self, run_id: str) -> None:
        """A run is over."""
        self._turns.pop(run_id, None)

    def rouse(self, line: Line) -> None:
        """Put a line in the race, or where it is parked to its new place."""
        line.ticket += 1
        heap = self.awake if not line.parked_at else self.resource(line.parked_at).parked
        heappush(heap, (self._rank(line), line.ticket, line))

    def sleep(self, line: Line, blocker: str | None) -> None:
        """A line can't be granted anything: park it at what blocks it (None: it has nothing to ask)."""
        woken_by, line.woken_by = line.woken_by, ""
        if blocker is not None:
            line.parked_at = blocker
            self.rouse(line)
        if woken_by and woken_by != blocker:
            self.wake(woken_by)

    def wake(self, name: str) -> None:
        """The best of those parked here may try again; the next one when it has had its turn."""
        resource = self.resource(name)
        while resource.parked and resource.has_room:
            _, ticket, line = heappop(resource.parked)
            if ticket == line.ticket and line.parked_at == name:
                line.parked_at = ""
                line.woken_by = name
                self.rouse(line)
                return

    def _rank(self, line: Line) -> Rank:
        entry = line.head()
        if entry is None:
            return (0, 0, 0)
        return (-entry.priority, self._turns.get(entry.run_id, 0), entry.seq)
