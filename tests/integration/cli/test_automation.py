"""Assets that are made by themselves, by a real server that is killed when it has just asked for one."""

from __future__ import annotations

from tests.integration.cli.conftest import Project
from tests.integration.cli.test_schedules import SERVE

HOUSE = """
import time

from toque import Eager, WhenMissing, asset

@asset(automation=WhenMissing())
def raw() -> int:
    return time.time_ns()

@asset(automation=Eager())
def clean(raw: int) -> int:
    return raw
"""


def test_each_cause_is_acted_on_once_whenever_the_server_is_killed(project: Project) -> None:
    project.write("house.py", HOUSE)
    server = project.start(*SERVE)
    server.until_error("raw, clean: never made; the backfill")
    server.kill()
    again = project.start(*SERVE)
    again.until_error("of raw, clean ended: 1 succeeded")
    assert project.toque("materialize", "raw").code == 0
    again.until_error("clean: raw was made; the backfill")
    decided = project.toque("automation", "decisions", "clean", "--json").json
    assert [each["reason"] for each in decided] == ["raw was made", "raw is made"]
    made = project.toque("backfills", "--json").json
    assert [each["selection"] for each in made] == ["clean", "raw", "raw, clean"]
    assert [each["id"] for each in made if each["actor"] == "automation"] == [each["backfill"] for each in decided]
