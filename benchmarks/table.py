"""The tables: Markdown, padded so that they also read well in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.asking import Answers
from benchmarks.browsing import PageFigures
from benchmarks.measurement import Measurement, Standing, Unmeasured, number


def budget_table(results: Sequence[Measurement]) -> str:
    """Each budget with what was measured."""
    verdicts = {True: "yes", False: "**no**", None: ""}
    rows = [
        (result.what, result.budget, f"{number(result.value)} {result.unit}", verdicts[result.is_within], result.note)
        for result in results
    ]
    return padded(("What", "Budget", "Measured", "Holds", "Note"), rows)


def peer_table(standings: Sequence[Standing]) -> str:
    """Each system's medians, and how many times quicker Toque is than it."""
    rows = [
        (
            f"{standing.name} {standing.figures.version}",
            standing.durability,
            f"{number(standing.figures.chain_hop_ms)} ms",
            f"{number(standing.figures.chain_hop_p99_ms)} ms",
            _ratio(standing.hop_ratio),
            f"{number(standing.figures.fanout_per_s)}/s of {standing.figures.fanout_tasks:,}",
            _ratio(standing.fanout_ratio),
        )
        for standing in standings
    ]
    headers = ("System", "Durable", "Hop", "Hop p99", "Hop ÷ Toque's", "Fan-out", "Toque's ÷ fan-out")
    return padded(headers, rows)


def page_table(pages: Sequence[PageFigures], *, interactive_ms: float, task_ms: float) -> str:
    """Each page with its verdict, slowest first."""
    rows = [
        (
            page.name,
            _ms(page.interactive_ms),
            _ms(page.slowest_ms),
            _long(page.loading_ms),
            _long(page.scrolling_ms) if page.scrolled else "nothing to scroll",
            "yes" if page.interactive_ms <= interactive_ms and page.scrolling_ms <= task_ms else "**no**",
        )
        for page in sorted(pages, key=lambda page: -page.interactive_ms)
    ]
    headers = ("Page", "Interactive", "Slowest visit", "Longest task until then", "… while scrolled", "Holds")
    return padded(headers, rows)


def answer_table(answers: Sequence[Answers], *, p95_ms: float) -> str:
    """Each question of the pages with its verdict."""
    rows = [
        (
            each.question,
            f"{number(each.median_ms)} ms",
            f"{number(each.p95_ms)} ms",
            f"{number(each.size_kb)} kB",
            "yes" if each.p95_ms <= p95_ms else "**no**",
        )
        for each in answers
    ]
    return padded(("Question", "Median", "p95", "Answer", "Holds"), rows)


def _ms(value: float) -> str:
    return f"{value:,.0f} ms"


def _long(value: float) -> str:
    return _ms(value) if value else "≤ 50 ms"


def failure_list(failures: Sequence[Unmeasured]) -> str:
    """What could not be measured, with everything that was said about it."""
    return "\n\n".join(f"NOT MEASURED: {failure.what}\n{failure.reason}" for failure in failures)


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{number(ratio)} ×"


def padded(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns stand in line."""
    lines = [[_cell(cell) for cell in row] for row in (headers, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headers))]
    lines_in_line = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join([lines_in_line[0], rule, *lines_in_line[1:]])


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def page(budgets: str, peers: str, machine: str, day: str, rounds: int) -> str:
    """RESULTS.md: the last tables, and how they were made."""
    return f"""# Results of the benchmarks

Written by `make bench` on {day}: {machine}.

## Budgets

{budgets}

## Beside the peers

A chain of 100 tasks and a fan-out of tasks that do nothing, warm, each system on two cores with its own defaults,
all systems in turns, {rounds} rounds; medians. Ratios above 1: Toque is quicker. The settings of each system stand
at the top of its script in `benchmarks/peers`; "in process" means that the tasks run where the flow does, so that
no task is handed to another process at all. Airflow's chain has 8 tasks: it takes as long as thousands elsewhere.

{peers}
"""
