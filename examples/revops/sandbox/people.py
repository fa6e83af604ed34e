"""Who and what the sandboxes hold at first: 300 companies, 2,000 contacts, 1,900 users and 20,000 events.

All of it is drawn from one seed, and the product's calendar stands still: what comes out of the pipeline can be told
beforehand, to the record.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

TODAY = date(2026, 11, 1)
"""The day on which the demo takes place, whatever day it is; `as_of` of the dbt project is the same."""
COMPANIES, CONTACTS, USERS, EVENTS = 300, 2_000, 1_900, 20_000
LINKED = 1_850
"""So many users have a contact in the CRM, and so a score there."""
KINDS = ("login", "dashboard", "query", "export", "invite", "api_call")
INDUSTRIES = ("Technology", "Finance", "Retail", "Healthcare", "Energy")
PLANS = ("trial", "team", "business", "enterprise")
TITLES = (
    "Analyst",
    "Data Engineer",
    "Operations Manager",
    "RevOps Lead",
    "Director of Data",
    "VP Revenue",
    "Chief Revenue Officer",
)
_TIERS = {"trial": "Free", "team": "Team", "business": "Business", "enterprise": "Enterprise"}
_MRR = {"trial": 0, "team": 290, "business": 1_450, "enterprise": 6_900}
_FIRST = [
    "Ada",
    "Ben",
    "Chloe",
    "Dario",
    "Emma",
    "Farid",
    "Grace",
    "Hugo",
    "Ines",
    "Jonas",
    "Kira",
    "Leo",
    "Mina",
    "Noah",
    "Olga",
    "Paul",
    "Rosa",
    "Sven",
    "Tara",
    "Yara",
]
_LAST = [
    "Adler",
    "Brandt",
    "Costa",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Garcia",
    "Haas",
    "Ivanova",
    "Jensen",
    "Keller",
    "Lopez",
    "Moreau",
    "Novak",
    "Okafor",
    "Petit",
    "Quist",
    "Rossi",
    "Santos",
    "Tanaka",
    "Ueda",
    "Vogel",
    "Weber",
    "Young",
    "Zhang",
]
_NAMES = [
    "Acorn",
    "Birch",
    "Cedar",
    "Delta",
    "Ember",
    "Fjord",
    "Grove",
    "Harbor",
    "Iris",
    "Juniper",
    "Kelp",
    "Lumen",
    "Maple",
    "North",
    "Onyx",
]
_TRADES = [
    "Analytics",
    "Bank",
    "Clinics",
    "Energy",
    "Foods",
    "Group",
    "Insurance",
    "Labs",
    "Logistics",
    "Media",
    "Retail",
    "Robotics",
]


@dataclass(frozen=True)
class Company:
    """An account of the CRM, a tenant of the product."""

    id: str
    name: str
    industry: str
    plan: str

    @property
    def tier(self) -> str:
        """The CRM's word for the plan."""
        return _TIERS[self.plan]

    @property
    def mrr(self) -> int:
        """What it pays each month."""
        return _MRR[self.plan]


@dataclass(frozen=True)
class Person:
    """A contact of the CRM; one with a user is known to the product too."""

    first: str
    last: str
    title: str
    company: Company
    user: str = ""

    @property
    def email(self) -> str:
        """Unique by the user, if there is one."""
        return f"{self.first}.{self.last}{self.user}@{self.company.name.replace(' ', '')}.example".lower()


@dataclass(frozen=True)
class User:
    """A row of the product's table of users."""

    id: str
    company: str
    plan: str
    signed_up: date


@dataclass(frozen=True)
class Event:
    """Something that a user did in the product."""

    id: int
    user: str | None
    kind: str
    seconds: int
    at: datetime

    @property
    def ip_address(self) -> str:
        """Where it came from, which is nobody's business who looks at rows that fail a check."""
        return f"10.{self.id >> 16 & 255}.{self.id >> 8 & 255}.{self.id & 255}"


@dataclass(frozen=True)
class World:
    """Everything."""

    companies: list[Company]
    people: list[Person]
    users: list[User]
    events: list[Event]


def world() -> World:
    """The same at each call."""
    draw = random.Random("revops")
    companies = [_company(draw, number) for number in range(COMPANIES)]
    users = []
    people = []
    for number in range(CONTACTS + USERS - LINKED):
        company = draw.choice(companies)
        user = f"u{number + 1:04}" if number < USERS else ""
        if user:
            signed_up = TODAY - timedelta(days=draw.randrange(100, 900))
            users.append(User(user, company.id, company.plan, signed_up))
        if number < LINKED or not user:
            title = draw.choices(TITLES, weights=(28, 24, 18, 12, 9, 6, 3))[0]
            people.append(Person(draw.choice(_FIRST), draw.choice(_LAST), title, company, user))
    return World(companies, people, users, _events(draw, users))


def _company(draw: random.Random, number: int) -> Company:
    name = f"{_NAMES[number % len(_NAMES)]} {_TRADES[number // len(_NAMES) % len(_TRADES)]}"
    more = number // (len(_NAMES) * len(_TRADES))
    plan = draw.choices(PLANS, weights=(35, 35, 22, 8))[0]
    return Company(f"c{number + 1:03}", name + (f" {more + 1}" if more else ""), draw.choice(INDUSTRIES), plan)


def _events(draw: random.Random, users: list[User]) -> list[Event]:
    """Over the ninety days before today: few people do most of the work, and some stopped at some time."""
    eager = [draw.paretovariate(1.1) for _ in users]
    stopped = [0 if draw.random() < 0.7 else draw.randrange(10, 90) for _ in users]
    midnight = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC)
    made = []
    for who in draw.choices(range(len(users)), weights=[min(each, 12.0) for each in eager], k=EVENTS):
        day = 1 + stopped[who] + draw.randrange(90 - stopped[who])
        at = midnight - timedelta(days=day) + timedelta(seconds=draw.randrange(7 * 3_600, 19 * 3_600))
        kind = draw.choices(KINDS, weights=(30, 25, 20, 10, 3, 12))[0]
        made.append((at, users[who].id, kind, draw.randrange(5, 1_800)))
    made.sort()
    return [Event(number, user, kind, seconds, at) for number, (at, user, kind, seconds) in enumerate(made, 1)]
