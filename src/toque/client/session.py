"""The client, by subject: `client.runs.start(…)`, `client.schedules.pause(…)`."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from toque.api.wire.charts import Calendar, Day, Durations
from toque.api.wire.graphs import Graph, Grid
from toque.api.wire.model import Page
from toque.api.wire.pipelines import BrokenFile, PipelineDetail, PipelineSummary
from toque.api.wire.sessions import Session
from toque.api.wire.system import Attention, Pool, System
from toque.api.wire.versions import FileText, Version, VersionDiff, VersionFiles
from toque.client.runs import Runs
from toque.client.triggers import Backfills, Schedules

if TYPE_CHECKING:
    from toque.client.transport import Transport


class Client:
    """One server. Close it, or use it in a `with`."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.pipelines = Pipelines(transport)
        self.versions = Versions(transport)
        self.runs = Runs(transport)
        self.schedules = Schedules(transport)
        self.backfills = Backfills(transport)

    def session(self) -> Session:
        """Who asks, and which server answers."""
        return Session.model_validate(self.transport.get("session"))

    def attention(self) -> list[Attention]:
        """What needs a person now."""
        return Page[Attention].model_validate(self.transport.get("attention")).items

    def pools(self) -> list[Pool]:
        """Named limits, with who holds and who waits."""
        return Page[Pool].model_validate(self.transport.get("pools")).items

    def system(self) -> System:
        """Servers, workers, store, retention."""
        return System.model_validate(self.transport.get("system"))

    def broken_files(self) -> list[BrokenFile]:
        """Files of the project that cannot be loaded."""
        return Page[BrokenFile].model_validate(self.transport.get("files")).items

    def reload(self) -> list[BrokenFile]:
        """Let the server look at the files now; those that are broken."""
        return Page[BrokenFile].model_validate(self.transport.post("files", "reload")).items

    def day(self, from_us: int = 0, to_us: int = 0) -> Day:
        """What ran and what will run."""
        return Day.model_validate(self.transport.get("day", query={"from_us": from_us, "to_us": to_us}))

    def sign_in_url(self) -> str:
        """A URL that signs a browser in, once, within ten minutes."""
        key = self.transport.post("session", "keys")["key"]
        return f"{self.transport.url}/sign-in?key={key}"

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.transport.close()


class Pipelines:
    """Pipelines of the project."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, search: str = "", tag: str = "", owner: str = "") -> Iterator[PipelineSummary]:
        """By name, page by page."""
        cursor = ""
        while True:
            query = {"search": search, "tag": tag, "owner": owner, "cursor": cursor}
            page = Page[PipelineSummary].model_validate(self._transport.get("pipelines", query=query))
            yield from page.items
            if page.next is None:
                return
            cursor = page.next

    def get(self, name: str) -> PipelineDetail:
        """One pipeline, with the JSON Schema of its parameters."""
        return PipelineDetail.model_validate(self._transport.get("pipelines", name))

    def graph(self, name: str, *, version: str = "") -> Graph:
        """The graph of a version (by default the current one)."""
        return Graph.model_validate(self._transport.get("pipelines", name, "graph", query={"version": version}))

    def grid(self, name: str, *, limit: int = 50, before: str = "") -> Grid:
        """Runs × tasks."""
        query = {"limit": limit, "before": before}
        return Grid.model_validate(self._transport.get("pipelines", name, "grid", query=query))

    def calendar(self, name: str, *, tz: str = "UTC") -> Calendar:
        """How the runs of each day of the last year ended."""
        return Calendar.model_validate(self._transport.get("pipelines", name, "calendar", query={"tz": tz}))

    def durations(self, name: str, *, task: str = "", limit: int = 200) -> Durations:
        """How long ended runs took."""
        query = {"task": task, "limit": limit}
        return Durations.model_validate(self._transport.get("pipelines", name, "durations", query=query))

    def pause(self, name: str) -> PipelineDetail:
        """Let none of its schedules start it."""
        return PipelineDetail.model_validate(self._transport.post("pipelines", name, "pause"))

    def unpause(self, name: str) -> PipelineDetail:
        """Let its schedules start it again."""
        return PipelineDetail.model_validate(self._transport.post("pipelines", name, "unpause"))


class Versions:
    """Versions of pipelines."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, pipeline: str, *, limit: int = 50) -> list[Version]:
        """Newest first."""
        found = self._transport.get("pipelines", pipeline, "versions", query={"limit": limit})
        return Page[Version].model_validate(found).items

    def roll_back(self, pipeline: str, version: str, *, reason: str = "") -> Version:
        """Make an earlier version the current one."""
        body = {"version": version, "reason": reason}
        return Version.model_validate(self._transport.post("pipelines", pipeline, "rollback", body=body))

    def files(self, version: str) -> VersionFiles:
        """The files of its bundle."""
        return VersionFiles.model_validate(self._transport.get("versions", version, "files"))

    def file(self, version: str, path: str) -> FileText:
        """The text of one file."""
        return FileText.model_validate(self._transport.get("versions", version, "file", query={"path": path}))

    def diff(self, a: str, b: str) -> VersionDiff:
        """What became of `a` in `b`."""
        return VersionDiff.model_validate(self._transport.get("versions", a, "diff", b))
