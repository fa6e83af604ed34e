"""What happens in the sources between two runs: 100 changes, 10 deletes and 5 records that cannot be true."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sandbox.people import EVENTS, KINDS, PLANS, TITLES, TODAY, Event, World

PROMOTED, ACTIVE, UPGRADED, CLOSED, BROKEN = 40, 40, 20, 10, 5
_EACH = PROMOTED + ACTIVE + UPGRADED + CLOSED
_DAY = datetime(TODAY.year, TODAY.month, TODAY.day, 8, tzinfo=UTC)


class NothingLeft(Exception):
    """Everybody has changed once."""


@dataclass(frozen=True)
class Changes:
    """One round. Nobody is in two rounds, so that each change shows whenever the pipeline runs."""

    promoted: dict[str, str]
    """In the CRM: the contact of a user has another title."""
    events: list[Event]
    """In the product: users who come back today, one event each."""
    upgraded: dict[str, str]
    """In the product: a user is on another plan."""
    closed: list[str]
    """In the product: users who closed their account."""
    broken: list[Event]
    """In the product: events that nobody can believe, by a client that is out of date."""

    @property
    def changed(self) -> int:
        """Records that must be sent to the CRM."""
        return len(self.promoted) + len(self.events) + len(self.upgraded)


def changes(world: World, number: int) -> Changes:
    """The round `number`, from 0 on. Raises `NothingLeft`."""
    draw = random.Random(f"revops changes {number}")
    order = [person for person in world.people if person.user]
    random.Random("revops order").shuffle(order)
    chosen = order[number * _EACH : (number + 1) * _EACH]
    if len(chosen) < _EACH:
        raise NothingLeft(f"after {number} rounds of changes hardly anybody is left who has not changed")
    plans = {user.id: user.plan for user in world.users}
    promoted, active = chosen[:PROMOTED], chosen[PROMOTED : PROMOTED + ACTIVE]
    upgraded, closed = chosen[PROMOTED + ACTIVE : -CLOSED], chosen[-CLOSED:]
    first = EVENTS + 1 + number * (ACTIVE + BROKEN)
    events = [
        Event(first + at, person.user, draw.choice(KINDS), draw.randrange(5, 900), _DAY + timedelta(minutes=at))
        for at, person in enumerate(active)
    ]
    return Changes(
        promoted={person.user: _next(TITLES, person.title) for person in promoted},
        events=events,
        upgraded={person.user: _next(PLANS, plans[person.user]) for person in upgraded},
        closed=[person.user for person in closed],
        broken=_broken(first + ACTIVE, [person.user for person in active]),
    )


def _broken(first: int, users: list[str]) -> list[Event]:
    at = _DAY + timedelta(hours=1)
    return [
        Event(first, users[0], "teleport", 60, at),
        Event(first + 1, users[1], "time_travel", 60, at),
        Event(first + 2, users[2], "query", -30, at),
        Event(first + 3, users[3], "export", -1, at),
        Event(first + 4, None, "login", 10, at),
    ]


def _next(known: tuple[str, ...], now: str) -> str:
    """One step up; who is at the top begins anew."""
    return known[(known.index(now) + 1) % len(known)]
