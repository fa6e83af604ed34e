"""What the RevOps demo tells of a run."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from told import Counts, Difference, contacts, counts, differences, mixed

from sandbox import slack
from sandbox.rounds import Due, due, settle
from sandbox.salesforce.application import Sandbox
from sandbox.salesforce.schema import OBJECTS


def row(user: str, score: float | None) -> dict[str, Any]:
    return {"FirstName": "Ada", "LastName": "Novak", "Product_User_Id__c": user, "Lead_Score__c": score}


def test_the_contacts_are_those_that_the_crm_has(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "crm.db")
    made = [
        sandbox.records.create(OBJECTS["Contact"], {"LastName": "Novak", "Product_User_Id__c": user})
        for user in ("u1", "u2")
    ]
    sandbox.records.delete(OBJECTS["Contact"], made[0])
    sandbox.state.close()
    assert [each["Product_User_Id__c"] for each in contacts(tmp_path).values()] == ["u2"]


def test_what_changed_most_comes_first_and_what_is_gone_is_among_it() -> None:
    before = {name: row(name, score) for name, score in (("a", 10.0), ("b", None), ("c", 50.0), ("d", 3.0))}
    after = {"a": row("a", 12.0), "b": row("b", 40.0), "d": row("d", 3.0)}
    found = differences(before, after)
    assert [each.who for each in found] == ["Ada Novak (c)", "Ada Novak (b)", "Ada Novak (a)"]
    assert [bool(each.after) for each in found] == [False, True, True]


def test_what_is_gone_takes_a_third_of_the_room() -> None:
    gone = [Difference(f"gone {number}", {"Lead_Score__c": 9.0}, {}) for number in range(9)]
    changed = [Difference(f"changed {number}", {}, {"Lead_Score__c": 1.0}) for number in range(9)]
    assert [each.who.split()[0] for each in mixed([*gone, *changed], 9)] == ["changed"] * 6 + ["gone"] * 3
    assert [each.who.split()[0] for each in mixed(gone, 9)] == ["gone"] * 3


def test_before_the_first_run_nothing_was_done(tmp_path: Path) -> None:
    assert counts(tmp_path / "warehouse.duckdb") == Counts()


def test_a_run_did_what_was_added_to_the_totals() -> None:
    did = Counts(sent=120, updated=100, deleted=10, quarantined=7) - Counts(sent=10, quarantined=2)
    assert (did.sent, did.as_due) == (110, Due(updated=100, deleted=10, quarantined=5))


def test_everything_is_due_at_first_and_nothing_when_it_is_settled(tmp_path: Path) -> None:
    assert due(tmp_path) == Due(updated=1_850)
    settle(tmp_path)
    assert due(tmp_path) == Due()


def test_what_is_posted_to_slack_is_kept(tmp_path: Path) -> None:
    made = slack.SlackSandbox(tmp_path / "slack.jsonl")
    made.start()
    try:
        blocks = [
            {"type": "header", "text": {"text": "ignored"}},
            {"type": "section", "fields": []},
            {"type": "section", "text": {"type": "mrkdwn", "text": "```\nsome error\nits rows\n```"}},
        ]
        content = json.dumps({"text": "revops failed", "blocks": blocks}).encode()
        with urllib.request.urlopen(urllib.request.Request(made.url, content), timeout=10) as answer:
            assert answer.read() == b"ok"
    finally:
        made.close()
    [message] = slack.messages(tmp_path / "slack.jsonl")
    assert slack.shown(message) == "revops failed\n  some error\n  its rows"


def test_nothing_was_posted_before_the_first_message(tmp_path: Path) -> None:
    assert slack.messages(tmp_path / "slack.jsonl") == []
