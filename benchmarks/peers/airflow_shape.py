"""What the DAGs of the comparison consist of: as large as the pipelines of `benchmarks/pipelines/history.py`."""

from __future__ import annotations

GROUPS = 11
MEMBERS = 40
"""Of a group: one task less beside each other, then one."""
LARGE = 10_000
WIDE = ("arrivals", "bookings", "crews", "delays", "fares", "gates", "luggage", "planes", "seats", "weather")


def members(dag_id: str) -> list[str]:
    """The ids of its tasks, in an order that they can run in."""
    if dag_id == "large":
        return ["extract", *(f"convert_{n:04}" for n in range(LARGE - 1))]
    groups = [f"stage_{n:02}" for n in range(GROUPS)]
    inside = [*(f"convert_{m}" for m in range(MEMBERS - 1)), "load"]
    return ["extract", *(f"{group}.{task}" for group in groups for task in inside), "report"]
