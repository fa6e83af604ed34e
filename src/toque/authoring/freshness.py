"""How fresh an asset has to be, as it is written: `@asset(freshness=Fresh("26h"))`,
`freshness=Fresh(by=Cron("0 9 * * *", tz="Europe/Madrid"), within="12h")`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from toque.authoring import sites
from toque.authoring.schedules import Scheduled
from toque.durations import Duration, seconds
from toque.graph.freshness import AnomalyPolicy, FreshnessPolicy

_OF_RUNS: Final = ("parameters", "catchup", "catchup_limit", "paused", "jitter")
"""Options of a schedule that are about the runs of a pipeline."""


class Fresh:
    """How old the data of an asset may become before somebody is told.

    `Fresh("26h")`: its data is never older than that. `Fresh(by=Cron("0 9 * * *"), within="12h")`: at nine each day
    there is data that is not older than twelve hours; without `within`, newer than nine the day before. `warn="1h"`:
    so long before its deadline it is shown as due.
    """

    def __init__(
        self, within: Duration | None = None, *, by: Scheduled | None = None, warn: Duration | None = None
    ) -> None:
        if within is None and by is None:
            raise sites.refuse("Fresh() says nothing.", fix='Fresh("26h"), or Fresh(by=Cron("0 9 * * *"))')
        if by is not None and not isinstance(by, Scheduled):
            raise sites.refuse(f"by={by!r} is no schedule.", fix='by=Cron("0 9 * * *", tz="Europe/Madrid")')
        if by is not None and (name := next((each for each in _OF_RUNS if each in by.options), "")):
            raise by.site.error(f"{name}= is about runs, and this schedule is a deadline.", fix=f"leave out {name}")
        within_s, warn_s = _seconds("within", within), _seconds("warn", warn)
        if within_s == 0:
            raise sites.refuse("within=0 is never kept.", fix='Fresh("26h")')
        if by is None and warn_s is not None and within_s is not None and warn_s >= within_s:
            raise sites.refuse(
                f"warn={warn!r} is as long as within={within!r}: it would always be due.", fix='Fresh("26h", warn="2h")'
            )
        deadlines = by.schedule(dict) if by is not None else None
        self.value = FreshnessPolicy(within_s=within_s, by=deadlines, warn_s=warn_s or 0.0)

    def __repr__(self) -> str:
        return f"<{'by ' + self.value.by.name if self.value.by is not None else 'within'} {self.value.within_s or ''}>"


def check_options(options: Mapping[str, Any]) -> None:
    """Raises `UserError` for a `freshness=` or `anomalies=` that cannot be meant."""
    stated = options.get("freshness")
    if stated is not None and not isinstance(stated, Fresh):
        fix = f"freshness=Fresh({stated!r})" if isinstance(stated, str) else 'freshness=Fresh("26h")'
        raise sites.refuse(f"freshness={stated!r} is no policy.", fix=fix)
    known = get_args(AnomalyPolicy)
    if (given := options.get("anomalies", "warn")) not in known:
        raise sites.refuse(f"anomalies={given!r} does not exist.", fix='anomalies="error", "warn" or "off"')


def policies_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the graph says of an asset with these options: fields of its `Asset`."""
    stated = settings.get("freshness")
    return {
        "freshness": stated.value if stated is not None else None,
        "anomalies": settings.get("anomalies", "warn"),
    }


def _seconds(name: str, value: Duration | None) -> float | None:
    if value is None:
        return None
    try:
        return seconds(value)
    except ValueError as error:
        raise sites.refuse(f"{name}: {error}.", fix=f'{name}="26h"') from None
