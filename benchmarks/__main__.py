"""`python -m benchmarks [NAME …] [--peers all|none|dask,ray,…]`: measure and print.

RESULTS.md is written when nothing was left out and nothing failed; its part about pages stays, which
`python -m benchmarks.pages --write` makes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import (
    comparison,
    dbt,
    history,
    loads,
    machine,
    pages,
    pages_section,
    schedules,
    stream,
    table,
    toque_blocking,
    toque_fanout,
    toque_flow,
    toque_hop,
    toque_idle,
    toque_mapped,
    toque_resume,
    toque_start,
    trigger,
)
from benchmarks.measurement import Measurement, Unmeasured

RESULTS = Path(__file__).parent / "RESULTS.md"

MEASURES: dict[str, Callable[[], list[Measurement]]] = {
    "import": toque_start.measure_import,
    "run": toque_start.measure_run,
    "idle": toque_idle.measure,
    "hop": toque_hop.measure_sqlite,
    "postgresql": toque_hop.measure_postgresql,
    "flow": toque_flow.measure,
    "fanout": toque_fanout.measure,
    "blocking": toque_blocking.measure,
    "mapped": toque_mapped.measure,
    "resume": toque_resume.measure,
    "trigger": trigger.measure,
    "schedules": schedules.measure,
    "history": history.measure,
    "stream": stream.measure,
    "loads": loads.measure,
    "dbt": dbt.measure,
    "pages": pages.measure,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when everything could be measured, whatever the figures say; 1 otherwise."""
    options = _parse(arguments)
    results, failures = _budgets(options.names)
    sections = [table.budget_table(results)] if results else []
    if options.peers:
        standings, unmeasured = comparison.compare(options.peers, options.rounds)
        sections.append(table.peer_table(standings))
        failures += unmeasured
    if failures:
        sections.append(table.failure_list(failures))
    print("\n\n".join(sections))

    is_everything = set(options.names) == set(MEASURES) and set(options.peers) == set(comparison.PEERS)
    if is_everything and not failures:
        text = table.page(sections[0], sections[1], machine.describe(), _today(), options.rounds)
        seen = pages_section.kept(RESULTS.read_text()) if RESULTS.exists() else ""
        RESULTS.write_text(pages_section.replaced(text, seen) if seen else text)
    return 1 if failures else 0


def _budgets(names: Sequence[str]) -> tuple[list[Measurement], list[Unmeasured]]:
    results: list[Measurement] = []
    failures: list[Unmeasured] = []
    for name in names:
        print(f"measuring {name}", file=sys.stderr, flush=True)
        try:
            results += MEASURES[name]()
        except Exception as error:
            failures.append(Unmeasured(name, f"{type(error).__name__}: {error}"))
    return results, failures


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which budgets: {', '.join(MEASURES)}; all without a name"
    )
    parser.add_argument("--peers", default=None, help="all, none, or names with commas; without names of budgets: all")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the comparison")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(MEASURES)
    if unknown:
        parser.error(f"there is no measurement named {', '.join(sorted(unknown))}")
    chosen = options.peers or ("none" if options.names else "all")
    options.names = options.names or list(MEASURES)
    options.peers = {"all": list(comparison.PEERS), "none": []}.get(chosen, chosen.split(","))
    unknown = set(options.peers) - set(comparison.PEERS)
    if unknown:
        parser.error(f"there is no peer named {', '.join(sorted(unknown))}; there are {', '.join(comparison.PEERS)}")
    return options


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


if __name__ == "__main__":
    sys.exit(main())
