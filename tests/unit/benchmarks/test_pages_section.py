"""The part of the results about pages: made anew, it replaces its former self and nothing else."""

from __future__ import annotations

import pytest

from benchmarks import pages_section
from benchmarks.asking import Answers
from benchmarks.browsing import PageFigures
from benchmarks.pages import Report

OURS = Report(
    "Toque",
    1_002_843,
    [PageFigures("/", 300, 400, 60, 0, True), PageFigures("/runs", 500, 600, 0, 70, True)],
    [Answers("/runs?limit=200", 3, 7, 10)],
    [],
)
THEIRS = Report(
    "Airflow 3.3.2",
    995_660,
    [PageFigures("home", 2400, 2500, 700, 90, True)],
    [Answers("/ui/dags", 180, 230, 40), Answers("/api/v2/version", 3, 4, 1)],
    ["all runs: it did\nnot show"],
)


def made(theirs: Report | None = THEIRS) -> str:
    return pages_section.section(OURS, theirs, "2 cores", "2026-11-23")


def row(text: str, begin: str) -> list[str]:
    (line,) = (line for line in text.splitlines() if line.startswith(f"| {begin} "))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_same_question_stands_beside_each_other() -> None:
    assert row(made(), "home") == ["home", "300 ms", "2,400 ms", "8 ×", "60 ms, ≤ 50 ms", "700 ms, 90 ms"]


def test_a_page_that_one_of_them_did_not_show_has_no_ratio() -> None:
    assert row(made(), "all runs") == ["all runs", "500 ms", "not measured", "", "≤ 50 ms, 70 ms", ""]
    assert "Not measured: all runs: it did not show" in made()


def test_only_slow_questions_of_the_other_are_listed() -> None:
    assert "`/ui/dags`, p95 230 ms" in made()
    assert row(made(), "/ui/dags")[-1] == "**no**"
    assert "/api/v2/version" not in made()


def test_without_airflow_there_is_nothing_beside() -> None:
    assert "Beside" not in made(None)
    assert "1,002,843 task runs" in made(None)
    assert "(2 of each page)" in made(None)


@pytest.mark.parametrize("after", ["", "\n## Beside the peers\n\nrows\n"])
def test_a_new_part_takes_the_place_of_the_old_one(after: str) -> None:
    text = f"# Results\n\nbudgets\n\n{made(None)}\n{after}"
    again = pages_section.replaced(text, made())
    assert again == f"# Results\n\nbudgets\n\n{made()}\n{after}"
    assert pages_section.kept(again) == made()


def test_a_first_part_comes_last() -> None:
    assert pages_section.kept("# Results\n") == ""
    assert pages_section.replaced("# Results\n\nbudgets\n", made()) == f"# Results\n\nbudgets\n\n{made()}\n"
