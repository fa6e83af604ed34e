"""Schedules and backfills of the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toque.api.wire.backfills import Backfill
from toque.api.wire.model import Page
from toque.api.wire.schedules import SchedulePreview, ScheduleSummary, Tick

if TYPE_CHECKING:
    from toque.client.transport import Transport


class Schedules:
    """Schedules, by their id `pipeline/name`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def ticks(self, schedule: str, *, limit: int = 50) -> list[Tick]:
        """What became of its ticks, newest first."""
        found = self._transport.get("schedules", schedule, "ticks", query={"limit": limit})
        return Page[Tick].model_validate(found).items

    def upcoming(self, *, until_us: int = 0, limit: int = 100) -> list[Tick]:
        """Planned ticks of all schedules, soonest first."""
        found = self._transport.get("upcoming", query={"until_us": until_us or None, "limit": limit})
        return Page[Tick].model_validate(found).items

    def preview(
        self, *, rule: str = "", tz: str = "UTC", pipeline: str = "", name: str = "", count: int = 10
    ) -> SchedulePreview:
        """What a rule means, and its next ticks."""
        body = {"rule": rule, "tz": tz, "pipeline": pipeline, "name": name, "count": count}
        return SchedulePreview.model_validate(self._transport.post("schedules", "preview", body=body))

    def list(self, *, pipeline: str = "", limit: int = 1000) -> list[ScheduleSummary]:
        """By id."""
        found = self._transport.get("schedules", query={"pipeline": pipeline, "limit": limit})
        return Page[ScheduleSummary].model_validate(found).items

    def pause(self, schedule: str) -> ScheduleSummary:
        """Let it start nothing."""
        return ScheduleSummary.model_validate(self._transport.post("schedules", schedule, "pause"))

    def unpause(self, schedule: str) -> ScheduleSummary:
        """Let it start runs again."""
        return ScheduleSummary.model_validate(self._transport.post("schedules", schedule, "unpause"))


class Backfills:
    """Durable plans of many runs."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def start(
        self,
        pipeline: str,
        *,
        from_us: int,
        to_us: int,
        schedule: str = "",
        max_active: int = 1,
        dry_run: bool = False,
    ) -> Backfill:
        """Plan runs for a schedule's ticks in [from, to)."""
        body = {
            "schedule": schedule,
            "from_us": from_us,
            "to_us": to_us,
            "max_active": max_active,
            "dry_run": dry_run,
        }
        return Backfill.model_validate(self._transport.post("pipelines", pipeline, "backfills", body=body))

    def list(self, *, limit: int = 50) -> list[Backfill]:
        """Newest first."""
        return Page[Backfill].model_validate(self._transport.get("backfills", query={"limit": limit})).items

    def get(self, backfill: str) -> Backfill:
        """How far it is."""
        return Backfill.model_validate(self._transport.get("backfills", backfill))

    def cancel(self, backfill: str) -> Backfill:
        """Start nothing more of it, and cancel what has not ended."""
        return Backfill.model_validate(self._transport.post("backfills", backfill, "cancel"))

    def materialize(self, selection: str, *, partitions: str = "", **more: Any) -> Backfill:
        """Make slices of assets; `more`: `missing`, `failed`, `stale`, `strategy`, `max_active`, `reason`,
        `dry_run`."""
        body = {"selection": selection, "partitions": partitions, **more}
        return Backfill.model_validate(self._transport.post("backfills", body=body))

    def retry(self, backfill: str) -> Backfill:
        """Make again what failed of a backfill of assets; nothing else."""
        return Backfill.model_validate(self._transport.post("backfills", backfill, "retry"))
