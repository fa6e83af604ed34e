"""The part of RESULTS.md about pages: each page of Toque, its questions, and what Airflow 3 takes for the same."""

from __future__ import annotations

import re
from collections.abc import Sequence

from benchmarks import table
from benchmarks.browsing import PageFigures
from benchmarks.measurement import number
from benchmarks.pages import ANSWER_MS, INTERACTIVE_MS, SCROLL_TASK_MS, Report

TITLE = "## Pages"
SAME = (
    ("home", "/", "home"),
    ("list of pipelines", "/pipelines", "DAGs"),
    ("442 tasks: grid", "/pipelines/$name/grid", "DAG of 442 tasks: grid"),
    ("442 tasks: graph", "/pipelines/$name/graph", "DAG of 442 tasks: graph"),
    ("442 tasks: calendar", "/pipelines/$name/calendar", "DAG of 442 tasks: calendar"),
    ("442 tasks: code", "/pipelines/$name/code", "DAG of 442 tasks: code"),
    ("all runs", "/runs", "all runs"),
    ("10,000 tasks: grid", "the live pipeline: grid", "DAG of 10,000 tasks: grid"),
    ("10,000 tasks: graph", "/runs/$runId/graph", "DAG of 10,000 tasks: graph"),
    ("10,000 tasks: list of a run", "/runs/$runId/tasks", "run of 10,000 tasks: list of tasks"),
    ("a log of 20,000 lines", "a run: a task's log of 20,000 lines", "run of 442 tasks: log of a task"),
)
"""What one looks at, and where: in Toque, in Airflow."""


def section(ours: Report, theirs: Report | None, machine: str, day: str) -> str:
    """Markdown, from its title on."""
    return "\n\n".join(
        [
            TITLE,
            f"Written by `python -m benchmarks.pages --write` on {day}: {machine}.\n\n"
            f"{ours.task_runs:,} task runs of history, a real server, a run of 10,000 tasks that moves meanwhile, and\n"
            "Chromium on the same machine. A page is interactive when it shows its data and its main thread has been\n"
            "free of tasks above 50 ms for 200 ms; then the wheel turns it down, up, across and back. Times are the\n"
            f"median of the visits ({ours.visits} of each page), tasks the worst of them.",
            table.page_table(ours.pages, interactive_ms=INTERACTIVE_MS, task_ms=SCROLL_TASK_MS),
            "What these pages ask the server, over one kept connection, while the run is live:",
            table.answer_table(ours.answers, p95_ms=ANSWER_MS),
            *_not_measured(ours),
            *([] if theirs is None else _beside(ours, theirs)),
        ]
    )


def replaced(text: str, part: str) -> str:
    """RESULTS.md with this part in place of the one before, or at its end."""
    found = _found(text)
    if found is None:
        return f"{text.rstrip()}\n\n{part}\n"
    after = text[found.end() :]
    return f"{text[: found.start()].rstrip()}\n\n{part}\n" + (f"\n{after}" if after else "")


def kept(text: str) -> str:
    """The part as it stands in RESULTS.md; "" when there is none."""
    found = _found(text)
    return found[0].strip() if found else ""


def _found(text: str) -> re.Match[str] | None:
    return re.search(rf"^{TITLE}\n.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)


def _beside(ours: Report, theirs: Report) -> list[str]:
    slowest = [max(report.answers, key=lambda each: each.p95_ms) for report in (ours, theirs)]
    return [
        f"### Beside {theirs.system}",
        f"Its api-server on PostgreSQL with {theirs.task_runs:,} task instances in the same shapes, its own pages in "
        "the same\nbrowser. No run is live there and no scheduler beside it, which is in its favour.",
        _pairs(ours, theirs),
        f"The slowest question of its pages: `{slowest[1].question}`, p95 {number(slowest[1].p95_ms)} ms; of Toque's:\n"
        f"`{slowest[0].question}`, p95 {number(slowest[0].p95_ms)} ms. All of Airflow's above {ANSWER_MS} ms:",
        table.answer_table([each for each in theirs.answers if each.p95_ms > ANSWER_MS], p95_ms=ANSWER_MS),
        *_not_measured(theirs),
    ]


def _pairs(ours: Report, theirs: Report) -> str:
    mine, other = ({page.name: page for page in report.pages} for report in (ours, theirs))
    rows = []
    for what, here, there in SAME:
        a, b = mine.get(here), other.get(there)
        ratio = f"{number(b.interactive_ms / a.interactive_ms)} ×" if a and b else ""
        rows.append((what, _time(a), _time(b), ratio, _tasks(a), _tasks(b)))
    name = theirs.system
    headers = ("Page", "Toque", name, f"{name} ÷ Toque", "Toque: longest task, scrolled", f"{name}: the same")
    return table.padded(headers, rows)


def _time(page: PageFigures | None) -> str:
    return "not measured" if page is None else f"{page.interactive_ms:,.0f} ms"


def _tasks(page: PageFigures | None) -> str:
    if page is None:
        return ""
    return ", ".join(f"{took:,.0f} ms" if took else "≤ 50 ms" for took in (page.loading_ms, page.scrolling_ms))


def _not_measured(report: Report) -> Sequence[str]:
    return [f"Not measured: {' '.join(failure.split())}" for failure in report.failures]
