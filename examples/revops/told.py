"""What a run did, read from where it is: the CRM's records before and after, and the books in the warehouse."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import duckdb

from sandbox.rounds import Due
from sandbox.salesforce.state import State

SHOWN = {"Lead_Score__c": "Score", "Lead_Grade__c": "Grade", "Segment__c": "Segment", "Active_Days__c": "Active days"}
_FIELDS = ("Product_User_Id__c", "FirstName", "LastName", *SHOWN)

Records = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Counts:
    """Totals since the first run; the difference of two is what a run did."""

    sent: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    rejected: int = 0
    quarantined: int = 0

    def __sub__(self, other: Counts) -> Counts:
        return Counts(**{each.name: getattr(self, each.name) - getattr(other, each.name) for each in fields(Counts)})

    @property
    def as_due(self) -> Due:
        """The part of it that can be told beforehand."""
        return Due(self.updated, self.deleted, self.quarantined)


def contacts(folder: Path) -> Records:
    """The contacts that the CRM has, by their Id."""
    state = State(folder / "crm.db")
    try:
        rows = state.rows(f"SELECT Id, {', '.join(_FIELDS)} FROM Contact WHERE NOT IsDeleted ORDER BY Id")
    finally:
        state.close()
    return {row["Id"]: row for row in rows}


def counts(warehouse: Path) -> Counts:
    """All zero before the first run."""
    if not warehouse.exists():
        return Counts()
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall()
        tables = {name for (name,) in found}
        results = []
        if "marts._toque_syncs" in tables:
            results = connection.execute("SELECT result FROM marts._toque_syncs WHERE result IS NOT NULL").fetchall()
        rejects = [table for table in sorted(tables) if table.startswith("raw.") and table.endswith("__rejects")]
        lines = [connection.execute(f"SELECT count(*) FROM {table}").fetchone() for table in rejects]
    syncs = [json.loads(text) for (text,) in results]
    summed = {name: sum(each[name] for each in syncs) for name in ("sent", "created", "updated", "deleted", "rejected")}
    return Counts(**summed, quarantined=sum(line[0] for line in lines if line))


@dataclass(frozen=True)
class Difference:
    """A record of the CRM, before and after."""

    who: str
    before: dict[str, Any]
    after: dict[str, Any]


def differences(before: Records, after: Records) -> list[Difference]:
    """Contacts that changed or are gone, whatever changed most first."""
    found = []
    for record, row in before.items():
        now = after.get(record, {})
        if now != row:
            who = f"{row['FirstName']} {row['LastName']} ({row['Product_User_Id__c']})"
            found.append(Difference(who, row, now))
    return sorted(found, key=_weight, reverse=True)


def mixed(differences: list[Difference], count: int) -> list[Difference]:
    """The first ones to look at: mostly changed, and some that are gone."""
    gone = [each for each in differences if not each.after][: count // 3]
    changed = [each for each in differences if each.after][: count - len(gone)]
    return [*changed, *gone]


def _weight(each: Difference) -> float:
    was, now = (row.get("Lead_Score__c") or 0.0 for row in (each.before, each.after))
    return abs(now - was)
