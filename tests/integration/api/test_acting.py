"""What people ask of runs and schedules, through the API of a real server."""

from __future__ import annotations

import pytest

from tests.integration.api.conftest import Server
from toque.client import Client, Refused

DAY_US = 86_400_000_000
PIPELINE = """
from toque import pipeline, task

@task
def one() -> int:
    return {number}

@pipeline
def {name}() -> int:
    return one()
"""


def test_a_run_waits_is_previewed_marked_and_ends(server: Server, client: Client) -> None:
    run = client.runs.start("gated")
    server.gate()
    client.runs.tasks.list(run.run_id)
    first = _until_running(client, run.run_id)
    assert first == "waits"
    why = client.runs.tasks.get(run.run_id, "then").waiting
    assert why is not None
    assert why.words.startswith("it starts when all upstream tasks have succeeded; not ended yet: waits (running")
    assert [(each.kind, each.name) for each in why.blockers] == [("upstream", "waits")]
    preview = client.runs.preview(run.run_id, "mark", task="then", state="skipped")
    assert [effect.what for effect in preview.effects] == ["counts as skipped"]
    with pytest.raises(Refused, match="no state"):
        client.runs.tasks.mark(run.run_id, "then", "")
    client.runs.tasks.mark(run.run_id, "waits", "failed", reason="the gate is shut")
    ended = client.runs.wait(run.run_id, timeout_s=60)
    assert ended.state == "failed"
    assert {node.task: node.counts for node in ended.nodes}["then"] == {"upstream_failed": 1}


def test_a_run_is_cancelled_and_says_what_that_touches(server: Server, client: Client) -> None:
    run = client.runs.start("gated")
    server.gate()
    _until_running(client, run.run_id)
    preview = client.runs.preview(run.run_id, "cancel")
    assert {effect.task for effect in preview.effects} == {"waits", "then"}
    assert preview.summary == "1 running attempt is stopped, 1 that waits never starts"
    assert client.runs.get(run.run_id).state == "running"
    assert client.runs.cancel(run.run_id, reason="wrong day").cancel_requested
    assert client.runs.wait(run.run_id, timeout_s=60).state == "cancelled"
    with pytest.raises(Refused) as refused:
        client.runs.cancel(run.run_id)
    assert refused.value.status == 409


def test_the_second_run_of_one_at_a_time_says_who_is_active(server: Server, client: Client) -> None:
    server.gate()
    first = client.runs.start("one_at_a_time")
    _until_running(client, first.run_id)
    second = client.runs.start("one_at_a_time")
    why = client.runs.tasks.get(second.run_id, "waits").waiting
    assert why is not None
    assert first.run_id in why.words
    assert [each.name for each in why.blockers] == [first.run_id]
    for run in (second, first):
        client.runs.cancel(run.run_id)
    assert client.runs.wait(second.run_id, timeout_s=60).state == "cancelled"
    assert client.runs.wait(first.run_id, timeout_s=60).state == "cancelled"


def test_a_full_pool_is_named_with_its_holder(server: Server, client: Client) -> None:
    server.gate()
    first, second = client.runs.start("gated"), client.runs.start("gated")
    _until_running(client, first.run_id)
    why = client.runs.tasks.get(second.run_id, "waits").waiting
    assert why is not None
    assert why.words == f"it is ready, but the pool scarce is full: 1 of 1 slot taken by {first.run_id}/waits"
    pool = next(each for each in client.pools() if each.pool == "scarce")
    assert (pool.used, pool.limit) == (1, 1)
    assert [user.run_id for user in pool.holders] == [first.run_id]
    assert [user.run_id for user in pool.waiters] == [second.run_id]
    for run in (second, first):
        client.runs.cancel(run.run_id)
        client.runs.wait(run.run_id, timeout_s=60)


def test_a_run_is_suspended_and_resumed(server: Server, client: Client) -> None:
    server.gate()
    run = client.runs.start("gated")
    _until_running(client, run.run_id)
    with pytest.raises(Refused, match="is not suspended"):
        client.runs.resume(run.run_id)
    assert client.runs.suspend(run.run_id).state == "suspended"
    why = client.runs.tasks.get(run.run_id, "then").waiting
    assert why is not None
    assert why.words.startswith("the run is suspended")
    assert client.runs.resume(run.run_id).state == "running"
    client.runs.cancel(run.run_id)
    client.runs.wait(run.run_id, timeout_s=60)


def test_what_failed_is_repeated_and_the_rest_is_kept(client: Client, ended: dict[str, str]) -> None:
    preview = client.runs.preview(ended["fragile"], "retry")
    assert {effect.task: effect.what for effect in preview.effects} == {
        "breaks": "runs again (it failed)",
        "after": "runs again (something before it failed)",
    }
    assert preview.summary == "a new run with the code it ran with: 2 task runs execute again, 0 keep their results"
    again = client.runs.retry(ended["fragile"])
    assert again.origin_run == ended["fragile"]
    assert client.runs.wait(again.run_id, timeout_s=60).state == "failed"


def test_a_rerun_from_a_task_keeps_what_is_before_it(client: Client, ended: dict[str, str]) -> None:
    preview = client.runs.preview(ended["squares"], "rerun", tasks=["total"])
    kept = {effect.task for effect in preview.effects if effect.what == "keeps its result"}
    assert kept == {"numbers", "square"}
    again = client.runs.rerun(ended["squares"], ["total"])
    assert client.runs.wait(again.run_id, timeout_s=60).state == "succeeded"
    numbers = next(client.runs.tasks.list(again.run_id, task="numbers"))
    assert numbers.started_us < again.created_us


def test_what_cannot_be_repeated_is_refused(client: Client, ended: dict[str, str]) -> None:
    with pytest.raises(Refused, match="nothing failed"):
        client.runs.retry(ended["squares"])
    with pytest.raises(Refused, match="has no task 'nope'"):
        client.runs.rerun(ended["squares"], ["nope"])
    with pytest.raises(Refused, match="no task is named"):
        client.runs.rerun(ended["squares"], [])


def test_parameters_are_checked_by_the_authors_own_types(client: Client) -> None:
    with pytest.raises(Refused) as refused:
        client.runs.start("squares", {"n": "three"})
    assert (refused.value.status, "n='three'" in refused.value.message) == (422, True)
    with pytest.raises(Refused, match="no parameter 'm'"):
        client.runs.start("squares", {"m": 1})
    assert client.runs.wait(client.runs.start("squares", {"n": 1}).run_id).parameters == {"n": 1}


def test_a_schedule_is_paused_alone_or_with_its_pipeline(client: Client) -> None:
    [schedule] = client.schedules.list(pipeline="squares")
    assert client.schedules.pause(schedule.id).paused
    assert client.pipelines.get("squares").paused
    assert not client.schedules.upcoming()
    assert not client.pipelines.unpause("squares").paused
    assert client.pipelines.pause("squares").schedules[0].paused
    assert not client.schedules.unpause(schedule.id).paused


def test_rules_are_explained_with_their_next_ticks(client: Client) -> None:
    found = client.schedules.preview(rule="30 2 * * *", tz="Europe/Madrid", count=3)
    assert "02:30" in found.words
    assert len(found.ticks) == 3
    assert len(client.schedules.preview(rule="every 15m").ticks) == 10
    assert client.schedules.preview(rule="FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=18", count=1).ticks
    assert client.schedules.preview(pipeline="squares", count=1).ticks[0].schedule.startswith("squares/")
    for wrong in ({"rule": "61 * * * *"}, {"rule": "every now"}, {"rule": "0 7 * * *", "tz": "Mars/Olympus"}, {}):
        with pytest.raises(Refused) as refused:
            client.schedules.preview(**wrong)
        assert refused.value.status == 422


def test_a_backfill_is_planned_tried_dry_started_and_cancelled(client: Client) -> None:
    now_us = client.session().server.now_us
    span = {"from_us": now_us - 3 * DAY_US, "to_us": now_us}
    dry = client.backfills.start("squares", **span, dry_run=True)
    assert (dry.state, dry.total, len(dry.slices)) == ("planned", 3, 3)
    assert not client.backfills.list()
    made = client.backfills.start("squares", **span, max_active=2)
    assert client.backfills.get(made.id).total == 3
    assert [each.id for each in client.backfills.list()] == [made.id]
    while client.backfills.get(made.id).state == "running":
        pass
    assert client.backfills.get(made.id).succeeded == 3
    with pytest.raises(Refused) as refused:
        client.backfills.cancel(made.id)
    assert refused.value.status == 409
    other = client.backfills.start("squares", from_us=now_us - 300 * DAY_US, to_us=now_us)
    assert client.backfills.cancel(other.id).state == "cancelled"


def test_a_rollback_names_the_current_version(client: Client) -> None:
    [version] = client.versions.list("values")
    assert client.versions.roll_back("values", version.version).is_current
    [foreign] = client.versions.list("squares")
    with pytest.raises(Refused) as refused:
        client.versions.roll_back("values", foreign.version)
    assert refused.value.status == 409


def _until_running(client: Client, run_id: str) -> str:
    """The first task that runs; each look is a request."""
    while True:
        found = list(client.runs.tasks.list(run_id, states=["running"]))
        if found:
            return found[0].task


def test_a_new_file_is_there_after_a_reload(server: Server, client: Client) -> None:
    file = server.project.root / "later.py"
    assert "later" not in [each.name for each in client.pipelines.list()]
    file.write_text(PIPELINE.format(name="later", number=1))
    try:
        broken = client.reload()
        assert [each.file for each in broken] == ["broken.py"]
        assert client.runs.wait(client.runs.start("later").run_id, timeout_s=60).state == "succeeded"
    finally:
        file.unlink()
    client.reload()
    assert "later" not in [each.name for each in client.pipelines.list()]
    assert client.pipelines.get("later").recent[0].state == "succeeded"


def test_a_version_whose_code_is_gone_can_be_looked_at_and_not_be_run(server: Server, client: Client) -> None:
    file = server.project.root / "passing.py"
    file.write_text(PIPELINE.format(name="passing", number=1))
    client.reload()
    run = client.runs.wait(client.runs.start("passing").run_id, timeout_s=60)
    file.write_text(PIPELINE.format(name="passing", number=2))
    client.reload()
    bundles = server.project.root / ".toque" / "bundles"
    old = next(each for each in client.versions.list("passing") if each.version == run.version)
    for folder in bundles.glob(f"{old.version.partition('.')[2]}*"):
        folder.rename(bundles.parent / "away")
    try:
        assert [task.id for task in client.pipelines.graph("passing", version=old.version).nodes] == ["one"]
        assert client.runs.get(run.run_id).state == "succeeded"
        assert client.runs.tasks.get(run.run_id, "one").output is not None
        with pytest.raises(Refused) as refused:
            client.versions.roll_back("passing", old.version)
        assert refused.value.status == 409
        with pytest.raises(Refused) as refused:
            client.versions.files(old.version)
        assert refused.value.status == 404
    finally:
        file.unlink()
        client.reload()
