"""The tables of the benchmark: budgets, medians and ratios say what was measured, and nothing else."""

from __future__ import annotations

import pytest

from benchmarks import table
from benchmarks.measurement import Measurement, Unmeasured, median_figures, number, standings
from benchmarks.peers.protocol import Figures, Sizes, hops_ms, measure, percentile


def figures(hop_ms: float, per_s: float) -> Figures:
    return Figures(version="1", chain_hop_ms=hop_ms, chain_hop_p99_ms=2 * hop_ms, fanout_per_s=per_s, fanout_tasks=10)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.2345, "0.234"), (0.5, "0.5"), (1.234, "1.23"), (12.34, "12.3"), (60, "60"), (1423.6, "1,424")],
)
def test_numbers_keep_three_digits(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("measurement", "holds"),
    [
        (Measurement("a", 1.0, "ms", at_most=1), True),
        (Measurement("a", 1.001, "ms", at_most=1), False),
        (Measurement("a", 5000, "/s", at_least=5000), True),
        (Measurement("a", 4999, "/s", at_least=5000), False),
        (Measurement("a", 1, "ms"), None),
    ],
)
def test_a_budget_holds_up_to_its_limit(measurement: Measurement, holds: bool | None) -> None:
    assert measurement.is_within is holds


def test_a_missed_budget_can_be_seen() -> None:
    lines = table.budget_table(
        [
            Measurement("hop", 0.4, "ms", at_most=1, note="300 | hops"),
            Measurement("fan-out", 3000, "tasks/s", at_least=5000),
        ]
    ).splitlines()
    assert len({len(line) for line in lines}) == 1, "columns are not aligned"
    assert lines[2].endswith("| 300 \\| hops |"), "a bar within a cell would end it"
    assert cells(lines[3]) == ["fan-out", "≥ 5,000 tasks/s", "3,000 tasks/s", "**no**", ""]


def test_what_could_not_be_measured_says_why() -> None:
    assert table.failure_list([Unmeasured("resume", "it did\nnot start")]) == "NOT MEASURED: resume\nit did\nnot start"


def test_a_round_that_went_wrong_does_not_move_the_median() -> None:
    taken = median_figures([figures(1, 100), figures(50, 1), figures(2, 90)])
    assert (taken.chain_hop_ms, taken.chain_hop_p99_ms, taken.fanout_per_s) == (2, 4, 90)


def test_ratios_above_one_mean_that_toque_is_quicker() -> None:
    rounds = {"Toque": [figures(0.5, 5000)], "Slow": [figures(5, 500)], "Quick": [figures(0.25, 10000)]}
    found = {standing.name: standing for standing in standings(rounds, dict.fromkeys(rounds, ""), against="Toque")}
    assert (found["Toque"].hop_ratio, found["Toque"].fanout_ratio) == (1, 1)
    assert (found["Slow"].hop_ratio, found["Slow"].fanout_ratio) == (10, 10)
    assert (found["Quick"].hop_ratio, found["Quick"].fanout_ratio) == (0.5, 0.5)


def test_without_toque_there_are_figures_but_no_ratios() -> None:
    found = standings({"Other": [figures(1, 1)]}, {"Other": "no"}, against="Toque")
    (line,) = table.peer_table(found).splitlines()[2:]
    assert cells(line) == ["Other 1", "no", "1 ms", "2 ms", "", "1/s of 10", ""]


def test_a_hop_is_the_time_between_neighbours() -> None:
    assert hops_ms([0, 1_000_000, 3_000_000], 3) == [1, 2]
    with pytest.raises(RuntimeError, match="2 stamps from a chain of 3"):
        hops_ms([0, 1], 3)


def test_a_percentile_is_a_value_that_was_seen() -> None:
    assert percentile(list(range(1, 101)), 99) == 99
    assert percentile([3, 1, 2], 99) == 3
    assert percentile([3, 1, 2], 50) == 2


def test_a_fan_out_that_loses_a_result_is_no_measurement() -> None:
    sizes = Sizes(chain=3, chains=1, fanout=10)
    with pytest.raises(RuntimeError, match="gave 9 results"):
        measure(sizes, "1", lambda length: list(range(length)), lambda xs: list(xs)[:9])
