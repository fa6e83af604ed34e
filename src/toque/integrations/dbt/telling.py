"""What dbt says of its nodes becomes reports about the tasks that stand for them, as it says it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toque.engine.assets import AnyAssetEvent, Checked, Materialized
from toque.graph.ir import ErrorClass
from toque.integrations.dbt.build import Build, Member
from toque.integrations.dbt.events import Began, Ended, Event, Said
from toque.integrations.dbt.manifest import Entry, Manifest
from toque.worker.context import Context
from toque.worker.hosting import Members

_LEVELS = ("info", "warning", "error")
_TYPES = {"fail": "TestFailed", "error": "DbtError", "skipped": "DbtSkipped"}


@dataclass
class Teller:
    """Tells of one dbt process."""

    build: Build
    manifest: Manifest
    here: Context
    members: Members
    target: Path
    """Where dbt writes."""
    version: str
    """Of the data that this attempt makes: unlike that of any other."""
    ends: dict[str, Ended] = field(default_factory=dict)
    """By unique id: how the entries of this process ended."""
    complaint: str = ""
    """The last error that is about no node."""

    def __post_init__(self) -> None:
        self._by_id = {member.unique_id: member for member in self.build.members}
        self._pending = set(self.members.pending)
        self._known = {member.node for member in self.build.members if member.node in self._pending}

    def hear(self, event: Event) -> None:
        """Pass one event on."""
        member = self._by_id.get(event.unique_id)
        match event:
            case Said():
                self._say(event, member)
            case Began() if member is not None and member.node in self._pending and not self._is_blocked(member):
                self.members.started(member.node, at_us=event.at_us)
            case Ended():
                self._end(event, member)
            case _:
                pass

    def _say(self, said: Said, member: Member | None) -> None:
        if member is not None and member.node in self._known:
            self.members.log(member.node, said.text, level=said.level)
        if said.level in _LEVELS:
            self.here.log.line("log", said.text, level=said.level, logger="dbt")
        if said.level == "error" and member is None:
            self.complaint = said.text.removeprefix("Encountered an error:").strip()

    def _end(self, ended: Ended, member: Member | None) -> None:
        self.ends.setdefault(ended.unique_id, ended)
        entry = self.manifest.entries.get(ended.unique_id)
        if member is None or entry is None:
            return
        if member.node not in self._pending:
            if ended.status in ("success", "warn"):
                for event in self._learnt(ended, entry, member):
                    self.here.tell(event)
            return
        if ended.status == "skipped" and self._is_blocked(member):
            return  # The engine knows what it waits for, and says so.
        self._pending.discard(member.node)
        self.here.progress(len(self._known) - len(self._pending), len(self._known))
        self._show_sql(entry, member)
        if ended.status in ("success", "warn"):
            assets = self._learnt(ended, entry, member)
            self.members.succeeded(member.node, _summary(ended), assets=assets, at_us=ended.at_us)
        else:
            kind: ErrorClass = "data" if ended.status == "fail" else "code"
            self.members.failed(
                member.node,
                ended.message or f"dbt {ended.status}: it says no more",
                type=_TYPES.get(ended.status, "DbtError"),
                kind=kind,
                at_us=ended.at_us,
            )

    def _is_blocked(self, member: Member) -> bool:
        """dbt skips it since something that it waits for did not succeed."""
        entry = self.manifest.entries.get(member.unique_id)
        waits = entry.waits if entry is not None else ()
        return any(other in self.ends and self.ends[other].status in ("fail", "error", "skipped") for other in waits)

    def _learnt(self, ended: Ended, entry: Entry, member: Member) -> list[AnyAssetEvent]:
        """Of the data. Tests that found something are told of when their rows can be looked at."""
        if not member.asset:
            return []
        partition = self.here.partition_key if self.build.is_cut else ""
        if not entry.is_test:
            return [
                Materialized(
                    asset=member.asset,
                    partition=partition,
                    data_version=self.version,
                    code_version=entry.checksum,
                    rows=ended.rows,
                    columns=tuple((each.name, each.data_type) for each in entry.columns if each.data_type),
                    metadata={"dbt": entry.unique_id, "materialized": entry.materialized or entry.kind},
                )
            ]
        if ended.status != "success":
            return []
        return [outcome(entry, ended, member.asset, partition)]

    def _show_sql(self, entry: Entry, member: Member) -> None:
        sql = compiled(self.target, self.manifest.project, entry)
        if sql:
            self.members.artifact(member.node, "compiled.sql", sql, kind="text")


def outcome(
    entry: Entry, ended: Ended, asset: str, partition: str, sample: Iterable[Any] = (), sql: str = ""
) -> Checked:
    """What a test found, as the outcome of a check of its asset."""
    message = ended.message
    if sql:
        message = f"{message}\n\n{sql.strip()}".strip()
    return Checked(
        asset=asset,
        partition=partition,
        check=entry.name,
        passed=ended.status == "success",
        severity="warn" if entry.severity == "warn" or ended.status == "warn" else "block",
        failed_rows=ended.failures or 0,
        column=entry.column,
        message=message,
        sample=list(sample),
    )


def compiled(target: Path, project: str, entry: Entry) -> str:
    """The SQL of an entry as dbt has compiled it; "" when there is none, or none yet."""
    package = entry.unique_id.split(".")[1] if entry.unique_id.count(".") > 1 else project
    path = target / "compiled" / package / entry.file
    if entry.kind == "test" and entry.file.endswith((".yml", ".yaml")):
        path = path / f"{entry.alias}.sql"
    elif entry.kind not in ("test", "model"):
        return ""
    try:
        return path.read_text()
    except OSError:
        return ""


def _summary(ended: Ended) -> dict[str, Any]:
    told = {"status": ended.status, "rows": ended.rows, "message": ended.message}
    return {name: value for name, value in told.items() if value not in (None, "")}
