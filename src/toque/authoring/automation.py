"""Automation as it is written: `@asset(automation=Eager())`, `automation=[OnSchedule(Cron("0 6 * * *")), Eager()]`.

`Eager`, `AllFresh` and `WhenMissing` are values of the graph; a schedule is judged with the line that it stands in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from toque.authoring import sites
from toque.authoring.schedules import Scheduled
from toque.authoring.sites import Site
from toque.graph.assets import AssetDependency
from toque.graph.automation import AllFresh, AnyAutomation, AutomationRule, Eager, OnTicks, WhenMissing

_OF_RUNS: Final = ("parameters", "catchup", "catchup_limit", "paused")
"""Options of a schedule that are about the runs of a pipeline."""


class OnSchedule:
    """Make it at the ticks of a schedule: `OnSchedule(Cron("0 6 * * *", tz="Europe/Madrid"))`.

    Of ticks that nobody could act on in time the last one counts. Of windows of time the last one that is over is
    made, of other partitions all.
    """

    def __init__(self, schedule: Scheduled) -> None:
        if not isinstance(schedule, Scheduled):
            raise sites.refuse(f"OnSchedule({schedule!r}) has no schedule.", fix='OnSchedule(Cron("0 6 * * *"))')
        for name in _OF_RUNS:
            if name in schedule.options:
                raise schedule.site.error(
                    f"{name}= is about the runs of a pipeline; this schedule makes an asset.",
                    fix=f"leave out {name}",
                )
        self.value = OnTicks(schedule=schedule.schedule(dict))

    def __repr__(self) -> str:
        return f"<on schedule {self.value.schedule.name}>"


AutomationOption: TypeAlias = Eager | AllFresh | WhenMissing | OnSchedule
"""A rule as it is written."""
Automation: TypeAlias = AutomationOption | Sequence[AutomationOption]
"""One rule, or several: it is made when one of them says so."""


def check_option(value: object) -> None:
    """Raises `UserError` for an `automation=` that is neither a rule nor a list of them."""
    for each in _listed(value):
        if not isinstance(each, AutomationRule | OnSchedule):
            fix = f"automation=OnSchedule({each!r})" if isinstance(each, Scheduled) else "automation=Eager()"
            raise sites.refuse(f"automation={each!r} is no rule.", fix=fix)


def rules_of(settings: Mapping[str, Any]) -> tuple[AnyAutomation, ...]:
    """Those of a producer, as the graph has them."""
    return tuple(each.value if isinstance(each, OnSchedule) else each for each in _listed(settings.get("automation")))


def automation_of(
    settings: Mapping[str, Any], key: str, upstream: Sequence[AssetDependency], site: Site
) -> tuple[AnyAutomation, ...]:
    """The rules of one asset. Raises `UserError` for one that waits for what is upstream, where nothing is that could
    be waited for."""
    rules = rules_of(settings)
    if any(not each.observed for each in upstream):
        return rules
    for rule in rules:
        if isinstance(rule, Eager | AllFresh):
            why = "what it is made from is only observed" if upstream else "it is made from no other asset"
            raise site.error(
                f"{key} would never be made by {type(rule).__name__}(): {why}.",
                fix='automation=OnSchedule(Every("15m"))',
            )
    return rules


def _listed(value: object) -> Sequence[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)
