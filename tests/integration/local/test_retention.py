"""What retention removes, and what it must not."""

from __future__ import annotations

from pathlib import Path

import pytest

from toque.engine.rows import RunRow
from toque.engine.states import RunState
from toque.graph import canonical
from toque.graph.ir import Pipeline
from toque.local import retention
from toque.local.retention import Pruned, prune
from toque.ports.store import Store, VersionRow
from toque.settings import Settings, load
from toque.store import bundles, open_store
from toque.store.blobs import open_blobs

DAY_US = 86_400_000_000
NOW_US = 1_000 * DAY_US


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "toque.toml").write_text("")
    return load(tmp_path, environ={})


def bundle(settings: Settings, text: str) -> str:
    (settings.project / "flow.py").write_text(text)
    return bundles.snapshot(settings.project).hash


async def version(store: Store, name: str, digest: str, *, age_days: int, current: bool = False) -> None:
    row = VersionRow(
        version=name,
        pipeline="p",
        ir_hash=name,
        bundle=digest,
        ir=canonical.encode(Pipeline(name="p")),
        created_us=NOW_US - age_days * DAY_US,
    )
    await store.put_version(row, make_current=current)


async def run(store: Store, name: str, of: str, *, age_days: int, state: RunState = RunState.SUCCEEDED) -> None:
    at_us = NOW_US - age_days * DAY_US
    row = RunRow(run_id=name, pipeline="p", version=of, state=state, parameters={}, created_us=at_us, started_us=at_us)
    row.finished_us = at_us if state.is_terminal else 0
    await store.create_run(row)


async def pruned(store: Store, settings: Settings, *, keep_last: int = 0) -> Pruned:
    blobs = open_blobs(settings.blobs_url)
    return await prune(store, blobs, settings, now_us=NOW_US, age_s=30 * 86_400, keep_last=keep_last)


async def test_bundles_stay_while_something_needs_them(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles.prune, "__kwdefaults__", {"spared_s": -60})
    reasons = ("current", "young", "running", "kept", "nothing")
    digests = {reason: bundle(settings, f"{reason} = 1\n") for reason in reasons}
    store = open_store("memory:")
    await store.open()
    await version(store, "v-nothing", digests["nothing"], age_days=90)
    await version(store, "v-running", digests["running"], age_days=90)
    await version(store, "v-kept", digests["kept"], age_days=90)
    await version(store, "v-young", digests["young"], age_days=1)
    await version(store, "v-current", digests["current"], age_days=80, current=True)
    await run(store, "1-old", "v-nothing", age_days=60)
    await run(store, "2-running", "v-running", age_days=60, state=RunState.RUNNING)
    await run(store, "3-kept", "v-kept", age_days=50)

    found = await pruned(store, settings, keep_last=1)

    assert found.runs == ["1-old"]
    assert found.bundles == [digests["nothing"]]
    for reason in reasons[:-1]:
        assert bundles.opened(settings.project, digests[reason]) is not None, reason


async def test_a_long_history_is_removed_batch_by_batch(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    store = open_store("memory:")
    await store.open()
    blobs = open_blobs(settings.blobs_url)
    for number in range(10):
        await run(store, f"r{number}", "v", age_days=60)
        blobs.put(f"runs/r{number}/a", [b"x"])
        blobs.put(f"runs/r{number}/b", [b"x"])
    await run(store, "young", "v", age_days=1)
    found = await pruned(store, settings)
    assert sorted(found.runs) == [f"r{number}" for number in range(10)]
    assert found.blobs == 20
    assert await store.load_run("young") is not None


async def test_nothing_is_pruned_twice(settings: Settings) -> None:
    store = open_store("memory:")
    await store.open()
    await run(store, "r", "v", age_days=60)
    assert (await pruned(store, settings)).runs == ["r"]
    assert await pruned(store, settings) == Pruned()
