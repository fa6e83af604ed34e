"""What the systems of the RevOps example hold, and what its rounds of changes do, can be told to the record."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from sandbox.changes import Changes, NothingLeft, changes
from sandbox.people import COMPANIES, CONTACTS, EVENTS, KINDS, LINKED, PLANS, TITLES, TODAY, USERS, World, world
from tests.examples.conftest import ROOT

SEEDS = ROOT / "examples" / "revops" / "dbt" / "seeds"


@pytest.fixture(scope="module")
def whole() -> World:
    return world()


@pytest.fixture(scope="module")
def rounds(whole: World) -> list[Changes]:
    return [changes(whole, number) for number in range(16)]


def test_it_is_as_large_as_it_says_and_always_the_same(whole: World) -> None:
    sizes = [len(each) for each in (whole.companies, whole.people, whole.users, whole.events)]
    assert sizes == [COMPANIES, CONTACTS, USERS, EVENTS]
    assert world() == whole


def test_keys_tell_things_apart(whole: World) -> None:
    for keys in (
        [company.id for company in whole.companies],
        [company.name for company in whole.companies],
        [person.user for person in whole.people if person.user],
        [user.id for user in whole.users],
        [event.id for event in whole.events],
    ):
        assert len(set(keys)) == len(keys)


def test_users_with_a_contact_are_users_of_the_company_of_the_contact(whole: World) -> None:
    users = {user.id: user for user in whole.users}
    linked = [person for person in whole.people if person.user]
    assert len(linked) == LINKED
    assert all(users[person.user].company == person.company.id for person in linked)


def test_usage_lies_before_today_and_is_unevenly_spread(whole: World) -> None:
    days = [event.at.date() for event in whole.events]
    assert TODAY - timedelta(days=90) <= min(days) <= max(days) < TODAY
    assert {event.kind for event in whole.events} == set(KINDS)
    assert all(event.user and event.seconds > 0 for event in whole.events)
    counts = Counter(event.user for event in whole.events)
    assert max(counts.values()) > 3 * EVENTS / USERS
    assert any(user.id not in counts for user in whole.users)


def test_a_round_has_100_changes_10_deletes_and_5_invalid_records(rounds: list[Changes]) -> None:
    for made in rounds:
        assert (made.changed, len(made.closed), len(made.broken)) == (100, 10, 5)


def test_at_some_time_everybody_has_changed(whole: World) -> None:
    with pytest.raises(NothingLeft, match="after 16 rounds"):
        changes(whole, 16)


def test_nobody_changes_twice(rounds: list[Changes]) -> None:
    touched = [
        user
        for made in rounds
        for user in (*made.promoted, *(event.user for event in made.events), *made.upgraded, *made.closed)
    ]
    assert len(set(touched)) == len(touched) == 110 * len(rounds)
    ids = [event.id for made in rounds for event in (*made.events, *made.broken)]
    assert sorted(ids) == list(range(EVENTS + 1, EVENTS + 1 + len(ids)))


def test_each_change_shows_in_the_score(whole: World, rounds: list[Changes]) -> None:
    titles = {person.user: person.title for person in whole.people}
    plans = {user.id: user.plan for user in whole.users}
    title_points, plan_points = points("title_points", "title"), points("plan_points", "plan")
    for made in rounds:
        assert all(title_points[titles[user]] != title_points[title] for user, title in made.promoted.items())
        assert all(plan_points[plans[user]] != plan_points[plan] for user, plan in made.upgraded.items())
        assert {event.at.date() for event in made.events} == {TODAY}


def test_a_broken_event_breaks_one_rule(rounds: list[Changes]) -> None:
    for made in rounds:
        broken = [(event.user is None, event.kind not in KINDS, event.seconds < 0) for event in made.broken]
        assert [sum(rules) for rules in broken] == [1] * 5
        assert [sum(rule) for rule in zip(*broken, strict=True)] == [1, 2, 2]


def test_dbt_has_the_same_today() -> None:
    assert f'as_of: "{TODAY}"' in (SEEDS.parent / "dbt_project.yml").read_text()


def points(seed: str, key: str) -> dict[str, float]:
    with (SEEDS / f"{seed}.csv").open() as file:
        return {row[key]: float(row["points"]) for row in csv.DictReader(file)}


@pytest.mark.parametrize(("seed", "key", "known"), [("title_points", "title", TITLES), ("plan_points", "plan", PLANS)])
def test_the_seeds_of_dbt_rise_with_the_steps(seed: str, key: str, known: tuple[str, ...]) -> None:
    found = points(seed, key)
    assert set(found) == set(known)
    assert all(found[before] < found[after] for before, after in pairwise(known))


def test_no_score_can_exceed_100() -> None:
    best = sum(max(points(seed, key).values()) for seed, key in (("title_points", "title"), ("plan_points", "plan")))
    days, depth, breadth = 30, 25, 10
    assert best + days + depth + breadth == 100
