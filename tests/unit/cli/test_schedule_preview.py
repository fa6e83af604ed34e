"""`toque schedule preview`: a rule in words, and its next ticks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Toque

SALES = """\
from toque import Cron, Every, pipeline

@pipeline(schedule=[
    Cron("30 2 * * *", tz="Europe/Madrid", name="night", parameters={"region": "eu"}),
    Every("6h", name="often", jitter="10m", paused=True, end="2026-03-28T18:00Z"),
])
def sales(region: str = "us") -> None: ...

@pipeline
def manual() -> None: ...
"""


@pytest.fixture
def sales(project: Path) -> Path:
    file = project / "sales.py"
    file.write_text(SALES)
    return file


def test_a_rule_is_said_in_words_and_listed(toque: Toque) -> None:
    said = toque(
        "schedule", "preview", "--cron", "30 2 * * *", "--tz", "Europe/Madrid", "-n", "2", "--from", "2026-03-28"
    )
    assert said.code == 0
    words, _, heading, *rows = said.out.rstrip().split("\n")
    assert words.startswith(
        "Every day at 02:30 in Europe/Madrid; when the clocks leap from 02:00 to 03:00, 02:30 runs at"
    )
    assert heading.split("  ")[0] == "Europe/Madrid"
    assert [row[:51].rstrip() for row in rows] == [
        "Sat 2026-03-28 02:30:00 +0100  2026-03-28 01:30:00",
        "Sun 2026-03-29 03:00:00 +0200  2026-03-29 01:00:00",
    ]


def test_a_rule_may_be_an_interval_or_a_recurrence(toque: Toque) -> None:
    assert toque("schedule", "preview", "--cron", "every 15m").out.startswith("Every 15 minutes of elapsed time\n")
    said = toque("schedule", "preview", "--cron", "FREQ=DAILY;UNTIL=20260329", "--from", "2026-03-28T12:00Z").out
    assert "until 2026-03-29 23:59:59" in said
    assert said.endswith("and no more\n")
    assert said.count("2026-03-29 00:00:00") == 2  # the tick, and the end of its data


def test_the_schedules_of_a_pipeline(toque: Toque, sales: Path) -> None:
    said = toque("schedule", "preview", "sales.py:sales", "--from", "2026-03-28T00:00Z").out
    first, second = said.rstrip().split("\n\nsales/often")
    assert first.startswith("sales/night: every day at 02:30 in Europe/Madrid")
    assert "its share of the jitter" in second
    assert "starts paused" in second
    assert second.endswith("and no more")


def test_as_json(toque: Toque, sales: Path) -> None:
    found = toque(
        "schedule", "preview", "sales", "--schedule", "night", "-n", "1", "--from", "2026-03-28", "--json"
    ).json
    (schedule,) = found["schedules"]
    assert found["pipeline"] == "sales"
    assert schedule["parameters"] == {"region": "eu"}
    assert schedule["ticks"] == [
        {
            "at": "2026-03-28T01:30:00Z",
            "local": "2026-03-28T02:30:00+01:00",
            "start": "2026-03-27T01:30:00Z",
            "end": "2026-03-28T01:30:00Z",
            "due": "2026-03-28T01:30:00Z",
        }
    ]


def test_from_now_unless_told(toque: Toque) -> None:
    (schedule,) = toque("schedule", "preview", "--cron", "* * * * *", "-n", "3", "--json").json["schedules"]
    assert len(schedule["ticks"]) == 3


def test_an_end_that_has_passed(toque: Toque, sales: Path) -> None:
    said = toque("schedule", "preview", "sales", "--schedule", "often", "--from", "2026-03-29T00:00Z").out
    assert said.endswith("no tick any more\n")


def test_a_pipeline_is_shown_with_what_starts_it(toque: Toque, sales: Path) -> None:
    assert toque("show", "sales").out.endswith(
        "starts: night, every day at 02:30 in Europe/Madrid\nstarts: often, every 6 hours of elapsed time\n"
    )
    assert toque("show", "sales", "--json").json["schedules"]["night"] == "every day at 02:30 in Europe/Madrid"
    assert toque("show", "manual", "--json").json["schedules"] == {}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "name a pipeline, or give a rule with --cron"),
        (("sales", "--cron", "0 2 * * *"), 2, "name a pipeline, or give a rule with --cron"),
        (("--cron", "0 25 * * *"), 2, "'25' is no hour"),
        (("--cron", "0 2 * * *", "--tz", "Madrid"), 2, 'tz="Europe/Madrid"'),
        (("--cron", "every now"), 2, "'now' is not a duration"),
        (("--cron", "0 2 * * *", "--from", "soon"), 2, "--from 'soon' is not a time"),
        (("manual",), 4, "manual has no schedule"),
        (("sales", "--schedule", "x"), 4, "it has: night, often"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], code: int, message: str, toque: Toque, sales: Path) -> None:
    said = toque("schedule", "preview", *arguments)
    assert said.code == code
    assert message in said.err
