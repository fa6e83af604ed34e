"""Schedules of a real server: ticks by themselves, missed ones, pauses, versions, backfills, profiles."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from typing import Any

from tests.integration.cli.conftest import Project

TICKING = """
from toque import Every, pipeline, task

@task
def strike(n: int) -> int:
    return n

@pipeline(schedule=Every("1s", parameters={"n": 5}, catchup="all", catchup_limit=1000))
def clock(n: int = 0) -> int:
    return strike(n)
"""
SERVE = ("server", "--no-api")


def until(look: Callable[[], Any]) -> Any:
    """What `look` answers once it is something: a server works beside us."""
    while not (found := look()):
        pass
    return found


def ticks(project: Project, name: str = "clock/every") -> list[dict[str, Any]]:
    answer = project.toque("schedule", "ticks", name, "--json")
    return json.loads(answer.out) if answer.code == 0 else []


def test_a_server_starts_what_is_due_and_says_what_it_missed(project: Project) -> None:
    project.write("flow.py", TICKING)
    server = project.start(*SERVE)
    server.until_error("the schedule clock/every begins")
    first = until(lambda: ticks(project))[-1]
    server.kill()
    # Nobody is there for some ticks, however quick the machine is.
    until(lambda: project.toque("runs").code == 0 and time.time_ns() // 1000 > ticks(project)[0]["at_us"] + 3_500_000)
    again = project.start(*SERVE)
    said = again.until_error("not started in time")
    assert "clock/every:" in said
    again.process.send_signal(signal.SIGTERM)
    assert again.end().code == 0
    seen = ticks(project)[::-1]
    assert seen[0]["at_us"] == first["at_us"]
    instants = [tick["at_us"] for tick in seen]
    assert instants == [*range(instants[0], instants[-1] + 1, 1_000_000)]
    assert {tick["outcome"] for tick in seen} == {"started"}
    runs = project.toque("runs", "--json", "--limit", "1000").json
    assert sorted(run["run_id"] for run in runs) == sorted(tick["run_id"] for tick in seen)
    assert runs[0]["parameters"] == {"n": 5}


def test_a_pause_from_another_process_holds_at_once(project: Project) -> None:
    project.write("flow.py", TICKING)
    server = project.start(*SERVE)
    server.until_error("begins")
    until(lambda: ticks(project))
    [paused] = project.toque("schedule", "pause", "clock", "--json").json
    newest = ticks(project)[0]["at_us"]
    assert newest <= paused["last_us"]
    assert project.toque("schedule", "unpause", "clock").code == 0
    after = until(lambda: [tick for tick in ticks(project) if tick["at_us"] > newest and tick["outcome"] == "started"])
    between = [tick for tick in ticks(project) if newest < tick["at_us"] < after[-1]["at_us"]]
    assert {tick["reason"] for tick in between} <= {"paused"}
    assert sum(tick["count"] for tick in between) == (after[-1]["at_us"] - newest) // 1_000_000 - 1


def test_a_version_that_is_made_current_brings_its_schedules(project: Project) -> None:
    project.write("flow.py", TICKING)
    server = project.start(*SERVE)
    server.until_error("the schedule clock/every begins")
    project.write("flow.py", TICKING.replace('Every("1s"', 'Every("1h", name="slow"'))
    project.toque("run", "flow.py", "-q")
    server.until_error("the schedule clock/slow begins")
    server.until_error("clock/every is no longer part of its pipeline")
    assert [row["id"] for row in project.toque("schedule", "list", "--json").json] == ["clock/slow"]
    assert project.toque("rollback", "clock").code == 0
    server.until_error("the schedule clock/every begins")


def test_a_backfill_is_carried_out_by_the_server(project: Project) -> None:
    project.write("flow.py", TICKING.replace('Every("1s"', 'Every("1h"'))
    server = project.start(*SERVE)
    server.until_error("begins")
    made = project.toque("backfill", "clock", "--from", "2026-03-01", "--to", "2026-03-01T06:00", "--json").json
    server.until_error(f"backfill {made['id']} of clock ended: 6 succeeded, 0 failed")
    [row] = project.toque("backfills", "--json").json
    assert (row["state"], row["succeeded"], row["total"]) == ("succeeded", 6, 6)
    runs = project.toque("runs", "--json").json
    assert [run["trigger"] for run in runs] == ["backfill"] * 6


def test_where_triggers_are_off_nothing_starts_by_itself(project: Project) -> None:
    project.write("flow.py", TICKING)
    project.write("toque.toml", 'workers = 1\n[profiles.dev]\ntriggers = "off"\n')
    server = project.start(*SERVE)
    server.until_error("schedules start nothing here: triggers are off")
    assert project.toque("run", "flow.py", "-q").code == 0
    assert ticks(project) == []
