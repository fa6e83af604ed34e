"""Pipelines of one task that does nothing, with as many schedules of one rule as the first lines say."""

from __future__ import annotations

from toque import Cron, pipeline, task

PIPELINES = 1
SCHEDULES = 1
RULE = "0 2 * * *"
ZONES = ("Europe/Madrid", "America/New_York", "Asia/Kathmandu", "UTC")


@task
def noop(n: int) -> int:
    return n


def make(number: int) -> object:
    rules = [
        Cron(RULE, name=f"s{n:04}", tz=ZONES[n % len(ZONES)], parameters={"n": n}, catchup="skip")
        for n in range(SCHEDULES)
    ]

    @pipeline(name=f"p{number:04}", schedule=rules)
    def scheduled(n: int = 0) -> int:
        return noop(n)

    return scheduled


for number in range(PIPELINES):
    globals()[f"p{number:04}"] = make(number)
