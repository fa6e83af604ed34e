"""Putting the world into both systems, and the changes after it."""

from __future__ import annotations

from typing import Any

import psycopg

from sandbox.changes import Changes
from sandbox.people import LINKED, Event, world
from sandbox.salesforce.records import Records
from sandbox.salesforce.schema import OBJECTS
from sandbox.salesforce.state import State


def fill_crm(state: State) -> None:
    """All or nothing, and once. Not by HTTP: this is what was there before anybody came."""
    if state.setting("filled"):
        return
    records = Records(state)
    whole = world()
    with state.transaction():
        state.set("filled", "yes")
        accounts = {
            company.id: records.create(
                OBJECTS["Account"],
                {
                    "Name": company.name,
                    "Company_Id__c": company.id,
                    "Industry": company.industry,
                    "Tier__c": company.tier,
                    "MRR__c": company.mrr,
                },
            )
            for company in whole.companies
        }
        for person in whole.people:
            values = {
                "FirstName": person.first,
                "LastName": person.last,
                "Email": person.email,
                "Title": person.title,
                "AccountId": accounts[person.company.id],
            }
            if person.user:
                values["Product_User_Id__c"] = person.user
            records.create(OBJECTS["Contact"], values)


def fill_product(url: str) -> None:
    """All or nothing, and once."""
    whole = world()
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT 1 FROM events LIMIT 1").fetchone():
            return
        with connection.cursor().copy("COPY users FROM STDIN") as copy:
            for user in whole.users:
                copy.write_row((user.id, user.company, user.plan, user.signed_up))
        _add(connection, whole.events)


def change_crm(state: State, changes: Changes) -> None:
    """What somebody typed into the CRM."""
    records = Records(state)
    contact = OBJECTS["Contact"]
    with state.transaction():
        for user, title in changes.promoted.items():
            found = records.find(contact, "Product_User_Id__c", user)
            if found is not None:
                records.update(contact, found["Id"], {"Title": title})


def change_product(url: str, changes: Changes) -> None:
    """What happened in the product."""
    with psycopg.connect(url) as connection:
        _add(connection, [*changes.events, *changes.broken])
        with connection.cursor() as cursor:
            upgraded = [(plan, user) for user, plan in changes.upgraded.items()]
            cursor.executemany("UPDATE users SET plan = %s WHERE user_id = %s", upgraded)
        connection.execute("DELETE FROM users WHERE user_id = ANY(%s)", [changes.closed])


def break_product(url: str, *, mend: bool = False) -> int:
    """Put some users on a plan that nobody knows, or back on theirs; how many. None of them is a contact."""
    chosen = world().users[LINKED:][:25]
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        plans = [(user.plan if mend else "platinum", user.id) for user in chosen]
        cursor.executemany("UPDATE users SET plan = %s WHERE user_id = %s", plans)
    return len(chosen)


def _add(connection: psycopg.Connection[Any], events: list[Event]) -> None:
    with connection.cursor().copy("COPY events FROM STDIN") as copy:
        for event in events:
            copy.write_row((event.id, event.user, event.kind, event.seconds, event.ip_address, event.at))
