"""The same API over PostgreSQL: each read, a start that is repeated, a rerun, a backfill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.api import zoo
from tests.integration.api.conftest import Server, started
from tests.integration.cli.conftest import Project

DAY_US = 86_400_000_000


@pytest.fixture
def on_postgresql(postgres_url: str, tmp_path: Path) -> Iterator[Server]:
    root = tmp_path / "project"
    root.mkdir()
    project = Project(root)
    project.write("toque.toml", f'store = "{postgres_url}"\n{zoo.SETTINGS}')
    project.write("zoo.py", zoo.PIPELINES)
    project.write("broken.py", zoo.BROKEN)
    server = started(project)
    yield server
    server.close()


def test_everything_can_be_read_and_done_over_postgresql(on_postgresql: Server) -> None:
    client = on_postgresql.client()
    run = client.runs.start("squares", {"n": 4}, key="once")
    assert client.runs.start("squares", {"n": 4}, key="once").run_id == run.run_id
    assert client.runs.wait(run.run_id, timeout_s=60).state == "succeeded"
    failed = client.runs.wait(client.runs.start("fragile").run_id, timeout_s=60)
    again = client.runs.wait(client.runs.retry(failed.run_id).run_id, timeout_s=60)
    assert (failed.state, again.state, again.origin_run) == ("failed", "failed", failed.run_id)
    assert client.runs.preview(run.run_id, "rerun", tasks=["total"]).effects

    assert client.pipelines.grid("squares").runs[0].cells == "sss"
    assert client.pipelines.calendar("squares").days[0].succeeded == 1
    assert client.pipelines.durations("squares").points
    assert client.runs.tasks.get(run.run_id, "square", "3").output is not None
    assert client.runs.tasks.get(failed.run_id, "breaks").error is not None
    assert client.runs.timeline(run.run_id).critical_path == ["numbers", "square", "total"]
    assert {each.kind for each in client.attention()} == {"failed_run", "broken_file"}
    assert client.day().runs
    assert client.schedules.upcoming()
    assert client.runs.compare(run.run_id, failed.run_id).version_changed

    system = client.system()
    assert (system.store.kind, [each.alive for each in system.servers if each.this]) == ("postgresql", [True])
    now_us = client.session().server.now_us
    backfill = client.backfills.start("squares", from_us=now_us - 2 * DAY_US, to_us=now_us, max_active=2)
    while client.backfills.get(backfill.id).state == "running":
        pass
    assert client.backfills.get(backfill.id).succeeded == 2
    [schedule] = client.schedules.list()
    assert client.schedules.pause(schedule.id).paused


def test_odd_words_are_only_words(on_postgresql: Server) -> None:
    for path in (
        "/runs",
        "/runs/%C3%A9",
        "/pipelines?search=%C3%A9",
        "/runs?search=%25_",
        "/runs?search=%27%3B--",
        "/pools",
    ):
        assert on_postgresql.send("GET", f"/api/v1{path}").status in (200, 404), path
