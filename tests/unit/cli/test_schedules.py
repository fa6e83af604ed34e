"""`toque schedule list|pause|unpause|ticks`, `toque backfill` and `backfills`, on a store that a server has filled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Toque, fill, in_store, version
from toque.engine.rows import RunRow
from toque.engine.states import BackfillState, RunState, TickOutcome
from toque.graph.schedules import CronRule, IntervalRule, Schedule
from toque.ports.store import Store
from toque.ports.triggers import Change, TickRow
from toque.runtime.ticking import changes_for

SECOND = 1_000_000
HOUR = 3600 * SECOND
T0 = 1_800_000_000 * SECOND
NIGHTLY = Schedule(name="nightly", rule=CronRule(text="0 2 * * *"), tz="Europe/Madrid", parameters={"year": 2013})
OFTEN = Schedule(name="often", rule=IntervalRule(every_s=3600), catchup="all")


async def scheduled(store: Store) -> None:
    """Two schedules of `flights`, and what became of three ticks of one."""
    await fill(store)
    changes = changes_for("flights", "1111.aaaa", [NIGHTLY, OFTEN], [], T0)
    often = changes[1].after
    run = RunRow(
        run_id="r9",
        pipeline="flights",
        version="1111.aaaa",
        state=RunState.CANCELLED,
        parameters={},
        created_us=T0,
        reason="1 active of at most 1: r3",
        trigger="schedule",
    )
    ticks = [
        TickRow(schedule=often.id, at_us=T0 + HOUR, outcome=TickOutcome.STARTED, recorded_us=T0, run_id="r9"),
        TickRow(
            schedule=often.id,
            at_us=T0 + 5 * HOUR,
            first_us=T0 + 2 * HOUR,
            count=4,
            outcome=TickOutcome.SKIPPED,
            reason="paused",
            recorded_us=T0,
        ),
    ]
    changes[1] = Change(before=None, after=often, ticks=ticks, runs=[run], tell=True)
    await store.triggers.record(changes, synced=("flights", version().version))


@pytest.fixture
def schedules(project: Path) -> Path:
    in_store(project, scheduled)
    return project


def test_schedules_are_listed_with_their_next_tick_and_what_they_mean(schedules: Path, toque: Toque) -> None:
    listed = toque("schedule", "list", "--json").json
    assert [(row["id"], row["tz"], row["paused"], row["catchup"]) for row in listed] == [
        ("flights/nightly", "Europe/Madrid", False, "latest"),
        ("flights/often", "UTC", False, "all"),
    ]
    assert listed[1]["next_us"] == T0 + HOUR
    text = toque("schedule", "list", "flights").out
    assert "flights/nightly" in text
    assert "Madrid" in text
    assert toque("schedule", "list", "other").code == 4


def test_a_pause_of_a_pipeline_is_one_of_all_its_schedules(schedules: Path, toque: Toque) -> None:
    assert [row["paused"] for row in toque("schedule", "pause", "flights", "--json").json] == [True, True]
    text = toque("schedule", "list").out
    assert text.count("paused by") == 2
    [row] = toque("schedule", "unpause", "flights/often", "--json").json
    assert (row["paused"], row["next_us"] > T0 / 2) == (False, True)
    assert [row["paused"] for row in toque("schedule", "list", "--json").json] == [True, False]


def test_a_name_that_is_almost_right_is_told(schedules: Path, toque: Toque) -> None:
    answer = toque("schedule", "pause", "flights/nightli")
    assert (answer.code, "did you mean 'flights/nightly'?" in answer.err) == (4, True)


def test_ticks_say_what_became_of_them_and_why(schedules: Path, toque: Toque) -> None:
    newest, oldest = toque("schedule", "ticks", "flights/often", "--json").json
    assert (newest["outcome"], newest["count"], newest["reason"]) == ("skipped", 4, "paused")
    assert (oldest["outcome"], oldest["run_id"], oldest["run_state"]) == ("started", "r9", "cancelled")
    assert oldest["reason"] == "not admitted: 1 active of at most 1: r3"
    text = toque("schedule", "ticks", "flights/often").out
    assert "(4)" in text
    assert "not admitted" in text
    assert "no tick was due yet" in toque("schedule", "ticks", "flights/nightly").out


def test_a_project_without_schedules_says_who_would_read_them(history: Path, toque: Toque) -> None:
    assert "toque server" in toque("schedule", "list").out


def test_a_backfill_is_tried_dry_then_planned_listed_and_cancelled(schedules: Path, toque: Toque) -> None:
    span = ("flights", "--schedule", "nightly", "--from", "2026-03-01", "--to", "2026-03-31")
    dry = toque("backfill", *span, "--dry-run", "--json").json
    assert (dry["total"], dry["state"], len(dry["ticks"])) == (30, "planned", 30)
    assert dry["from_us"] == 1772319600 * SECOND  # midnight in Madrid
    assert "… and 10 more" in toque("backfill", *span, "--dry-run").out
    assert toque("backfills", "--json").json == []
    made = toque("backfill", *span, "--max-active", "3", "--reverse", "--reason", "late data", "--json").json
    assert (made["total"], made["max_active"], made["reverse"], made["reason"]) == (30, 3, True, "late data")
    [listed] = toque("backfills", "--json").json
    assert (listed["id"], listed["state"], listed["version"]) == (made["id"], "running", "1111.aaaa")
    assert "0 of 30 succeeded" in toque("backfills").out
    cancelled = toque("backfills", "cancel", made["id"][-6:], "--json").json
    assert cancelled["state"] == "cancelled"
    assert "is cancelled" in toque("backfills", "cancel", made["id"]).out
    assert toque("backfills", "cancel", "nope").code == 4


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--from", "yesterday", "--to", "2026-03-31"), "--from 'yesterday' is not a time"),
        (("--from", "2026-03-31", "--to", "2026-03-01"), "ends after it begins"),
        (("--from", "2026-03-01T03:00", "--to", "2026-03-01T04:00"), "no tick in that span"),
        (("--from", "2026-03-01", "--to", "2026-03-31", "--max-active", "0"), "1 to 1000 at a time"),
    ],
)
def test_a_backfill_that_cannot_be_is_refused_with_a_fix(
    schedules: Path, toque: Toque, options: tuple[str, ...], told: str
) -> None:
    answer = toque("backfill", "flights", "--schedule", "nightly", *options)
    assert (answer.code, told in answer.err, "Fix:" in answer.err) == (2, True, True)


def test_a_backfill_of_a_pipeline_with_several_schedules_names_one(schedules: Path, toque: Toque) -> None:
    answer = toque("backfill", "flights", "--from", "2026-03-01", "--to", "2026-03-31")
    assert (answer.code, "flights/nightly, flights/often" in answer.err) == (4, True)


def test_retention_removes_old_ticks_and_backfills(schedules: Path, toque: Toque) -> None:
    async def counts(store: Store) -> Any:
        plans = await store.backfills.list_backfills()
        return (
            len(await store.triggers.list_ticks("flights/often")),
            len(plans),
        )

    toque("backfill", "flights", "--schedule", "nightly", "--from", "2026-03-01", "--to", "2026-03-31")
    toque("backfills", "cancel", toque("backfills", "--json").json[0]["id"])

    async def age(store: Store) -> None:
        [row] = await store.backfills.list_backfills()
        assert row.state is BackfillState.CANCELLED
        row.finished_us = 1
        await store.backfills.advance(row)

    in_store(schedules, age)
    assert in_store(schedules, counts) == (2, 1)
    assert toque("prune", "--older-than", "1d", "--keep-last", "1").code == 0
    assert in_store(schedules, counts)[1] == 0
