"""The server's index of a project: versions in the store, broken files, rollbacks; files loaded in another process."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from toque.local.loading import Interruption
from toque.local.project import Project
from toque.local.project_record import read_record
from toque.ports.project import ProjectChange, ProjectState
from toque.ports.store import StoreUnavailable
from toque.runtime.clock import SystemClock
from toque.settings import load as load_settings
from toque.store.memory import MemoryStore

DOUBLE = """\
from toque import pipeline, task

@task
def double(n: int) -> int:
    return n * 2

@pipeline(owner="ana", tags=["x"])
def doubles(n: int = 21):
    \"\"\"Doubles a number.\"\"\"
    return double(n)
"""


class Scene:
    """A project on disk, a store, and the servers that look at them one after the other."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = MemoryStore()
        self.changes: list[ProjectChange] = []
        self.synced: list[ProjectState] = []
        self.project = self.restarted()

    def restarted(self, timeout_s: float = 30.0) -> Project:
        """Another server."""
        self.project = Project(
            load_settings(self.root), self.store, SystemClock(), sync=self._sync, timeout_s=timeout_s
        )
        self.project.listen(self._looked)
        return self.project

    def write(self, name: str, text: str) -> None:
        """Write a file of the project."""
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    async def look(self) -> list[str]:
        """Look at the files; what changed, in words."""
        self.changes.clear()
        await self.project.reload()
        return [f"{change.kind} {change.pipeline or change.file}: {change.words}" for change in self.changes]

    async def current(self, pipeline: str = "doubles") -> str:
        """Id of the current version."""
        row = await self.store.current_version(pipeline)
        assert row is not None
        return row.version

    async def _sync(self, state: ProjectState) -> None:
        self.synced.append(state)

    def _looked(self, state: ProjectState, changes: Sequence[ProjectChange]) -> None:
        self.changes += changes


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    (tmp_path / "toque.toml").write_text("")
    (tmp_path / "doubles.py").write_text(DOUBLE)
    return Scene(tmp_path)


async def test_the_first_look_puts_versions_and_knows_what_people_search_for(scene: Scene) -> None:
    assert await scene.look() == ["added doubles: new pipeline, 1 task"]
    [found] = scene.project.state.pipelines.values()
    assert (found.file, found.doc, found.owner, found.tags) == ("doubles.py", "Doubles a number.", "ana", ("x",))
    assert found.version == found.file_version == await scene.current()
    assert [list(state.pipelines) for state in scene.synced] == [["doubles"]]


async def test_a_look_at_the_same_files_changes_nothing(scene: Scene) -> None:
    await scene.look()
    before = scene.project.state
    assert await scene.look() == []
    assert scene.project.state is before
    assert len(await scene.store.list_versions("doubles")) == 1


async def test_an_edit_makes_the_next_version_current_and_is_told_in_words(scene: Scene) -> None:
    await scene.look()
    first = await scene.current()
    scene.write("doubles.py", DOUBLE.replace("n * 2", "n * 3"))
    assert await scene.look() == ["changed doubles: task double changed"]
    assert await scene.current() != first
    assert len(await scene.store.list_versions("doubles")) == 2


async def test_a_module_that_tasks_import_makes_a_version_too(scene: Scene) -> None:
    await scene.look()
    first = await scene.current()
    scene.write("helper.py", "X = 1\n")
    assert await scene.look() == ["changed helper.py: added"]
    assert await scene.current() != first


async def test_a_broken_file_hides_no_other_and_its_pipelines_stay(scene: Scene) -> None:
    scene.write("second.py", DOUBLE.replace("doubles", "second"))
    await scene.look()
    before = await scene.current("second")
    scene.write("second.py", "from toque import pipeline\nx = undefined\n")
    scene.write("doubles.py", DOUBLE.replace("n * 2", "n * 4"))
    changes = await scene.look()
    assert changes[0] == "changed doubles: task double changed"
    assert changes[1].startswith("broken second.py: NameError")
    [broken] = scene.project.state.broken
    assert (broken.file, broken.problems[0].line) == ("second.py", 2)
    assert {name: each.broken for name, each in scene.project.state.pipelines.items()} == {
        "doubles": False,
        "second": True,
    }
    assert await scene.current("second") == before
    scene.write("second.py", DOUBLE.replace("doubles", "second"))
    assert "mended second.py: fine again" in await scene.look()
    assert not scene.project.state.broken


async def test_a_broken_file_says_what_is_missing_because_of_it(scene: Scene) -> None:
    scene.write("second.py", DOUBLE.replace("doubles", "second"))
    await scene.look()
    scene.write("second.py", DOUBLE.replace("doubles", "second") + "\n@pipeline\ndef third():\n    return nothing\n")
    scene.write("new.py", "from toque import pipeline\n\n@pipeline\ndef fourth():\n    return (\n")
    await scene.look()
    new, second = scene.project.state.broken
    assert (new.file, new.kept, new.missing) == ("new.py", (), ("fourth",))
    assert (second.file, second.kept, second.missing) == ("second.py", ("second",), ("third",))


async def test_a_project_inside_of_the_project_is_another_one(scene: Scene) -> None:
    scene.write("inner/toque.toml", "")
    scene.write("inner/doubles.py", DOUBLE)
    await scene.look()
    assert scene.project.state.broken == ()
    assert [each.file for each in scene.project.state.pipelines.values()] == ["doubles.py"]


async def test_a_broken_file_keeps_the_time_at_which_it_broke(scene: Scene) -> None:
    scene.write("second.py", "import toque\nx = undefined\n")
    await scene.look()
    [first] = scene.project.state.broken
    scene.write("second.py", "import toque\ny = undefined\n")
    await scene.look()
    [again] = scene.project.state.broken
    assert again.since_us == first.since_us


async def test_a_server_that_starts_with_a_broken_file_knows_its_pipelines(scene: Scene) -> None:
    await scene.look()
    scene.write("doubles.py", "import toque\nx = (\n")
    scene.restarted()
    await scene.look()
    [found] = scene.project.state.pipelines.values()
    assert (found.name, found.broken, found.version) == ("doubles", True, await scene.current())


async def test_a_file_that_hangs_is_cut_off_and_the_others_are_there(scene: Scene) -> None:
    scene.write("a_hangs.py", "import toque\nwhile True:\n    pass\n")
    scene.restarted(timeout_s=1.0)
    await scene.look()
    assert list(scene.project.state.pipelines) == ["doubles"]
    [broken] = scene.project.state.broken
    assert (broken.file, "did not end within 1 s" in broken.problems[0].message) == ("a_hangs.py", True)


async def test_a_pipeline_that_is_gone_leaves_the_list_and_keeps_its_versions(scene: Scene) -> None:
    scene.write("second.py", DOUBLE.replace("doubles", "second"))
    await scene.look()
    (scene.root / "second.py").unlink()
    assert "removed second: no longer defined; its history stays" in await scene.look()
    assert list(scene.project.state.pipelines) == ["doubles"]
    assert list(scene.synced[-1].pipelines) == ["doubles"]
    assert await scene.current("second")
    assert set(read_record(scene.root / ".toque")) == {"doubles"}


async def test_a_name_that_the_settings_do_not_know_breaks_the_pipeline_that_uses_it(scene: Scene) -> None:
    scene.write("doubles.py", DOUBLE.replace("@task\n", '@task(pool="scarce")\n'))
    await scene.look()
    [broken] = scene.project.state.broken
    assert "no pool is named 'scarce'" in broken.problems[0].message
    scene.write("toque.toml", "[pools]\nscarce = 1\n")
    assert "mended doubles.py: fine again" in await scene.look()


async def test_a_rollback_outlives_a_restart_and_edits_of_other_files(scene: Scene) -> None:
    await scene.look()
    first = await scene.current()
    scene.write("doubles.py", DOUBLE.replace("n * 2", "n * 3"))
    await scene.look()
    await scene.store.set_current("doubles", first, actor="ana", now_us=1)
    await scene.project.refresh("doubles")
    assert scene.project.state.pipelines["doubles"].version == first
    scene.restarted()
    await scene.look()
    assert await scene.current() == first
    scene.write("helper.py", "X = 1\n")
    await scene.look()
    assert await scene.current() == first
    found = scene.project.state.pipelines["doubles"]
    assert found.version == first
    assert found.file_version != first


async def test_a_rollback_ends_when_the_pipeline_itself_is_edited(scene: Scene) -> None:
    await scene.look()
    first = await scene.current()
    scene.write("doubles.py", DOUBLE.replace("n * 2", "n * 3"))
    await scene.look()
    await scene.store.set_current("doubles", first, actor="ana", now_us=1)
    scene.restarted()
    scene.write("doubles.py", DOUBLE.replace("n * 2", "n * 4"))
    await scene.look()
    assert await scene.current() not in (first, "")
    assert await scene.current() == scene.project.state.pipelines["doubles"].file_version


async def test_what_was_edited_while_no_server_ran_becomes_current(scene: Scene) -> None:
    await scene.look()
    first = await scene.current()
    scene.write("doubles.py", DOUBLE.replace("n * 2", "n * 3"))
    scene.restarted()
    await scene.look()
    assert await scene.current() != first
    scene.write("doubles.py", DOUBLE)
    scene.restarted()
    await scene.look()
    assert await scene.current() == first, "the code of before is the version of before"


async def test_a_project_that_cannot_be_looked_at_keeps_what_was_known(scene: Scene) -> None:
    await scene.look()
    scene.write("toque.toml", "workers = many\n")
    [change] = await scene.look()
    assert change.startswith("fault")
    assert scene.project.state.fault
    assert list(scene.project.state.pipelines) == ["doubles"]
    scene.write("toque.toml", "")
    await scene.look()
    assert not scene.project.state.fault


async def test_those_who_ask_during_a_look_share_the_next_one(scene: Scene) -> None:
    looks: list[ProjectState] = []
    scene.project.listen(lambda state, changes: looks.append(state))
    await asyncio.gather(*(scene.project.reload() for _ in range(10)))
    assert len(looks) <= 2


async def test_schedules_that_could_not_follow_do_so_at_the_next_look(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(state: ProjectState) -> None:
        raise StoreUnavailable("gone")

    with monkeypatch.context() as context:
        context.setattr(scene.project, "_sync", away)
        with pytest.raises(StoreUnavailable):
            await scene.look()
    await scene.look()
    assert [list(state.pipelines) for state in scene.synced] == [["doubles"]]


async def test_a_load_is_cut_off_when_the_server_ends(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.write("a_hangs.py", "import toque\nwhile True:\n    pass\n")
    loop, begun = asyncio.get_running_loop(), asyncio.Event()
    may_end = Interruption.may_end

    def noted(self: Interruption, process: subprocess.Popen[bytes]) -> None:
        may_end(self, process)
        loop.call_soon_threadsafe(begun.set)

    monkeypatch.setattr(Interruption, "may_end", noted)
    looking = asyncio.create_task(scene.project.reload())
    await asyncio.wait_for(begun.wait(), 20)
    scene.project.close()
    await asyncio.wait_for(looking, 20)
    assert scene.project.state.indexed_us == 0


ASSETS = """\
from toque import asset, external, pipeline

crm = external("crm.contact", owner="sales")

@asset
def orders() -> list[int]:
    return [1]

@asset
def totals(orders: list[int], crm: list[int]) -> int:
    return 1

nightly = pipeline("nightly", assets=[orders])
"""


async def test_assets_follow_their_files(scene: Scene) -> None:
    scene.write("data.py", ASSETS)
    await scene.look()
    found = scene.project.state.assets
    assert list(found) == ["crm.contact", "orders", "totals"]
    assert (found["orders"].file, found["orders"].line, found["orders"].pipelines) == ("data.py", 5, ("nightly",))
    assert (found["crm.contact"].external, found["crm.contact"].asset.owner) == (True, "sales")
    assert [each.asset for each in found["totals"].asset.upstream] == ["orders", "crm.contact"]
    scene.write("data.py", ASSETS.replace("totals", "sums"))
    await scene.look()
    assert list(scene.project.state.assets) == ["crm.contact", "orders", "sums"]


async def test_a_broken_file_keeps_its_assets_also_for_the_next_server(scene: Scene) -> None:
    scene.write("data.py", ASSETS)
    await scene.look()
    scene.write("data.py", ASSETS + "this is no Python\n")
    for _ in range(2):
        await scene.look()
        kept = scene.project.state.assets
        assert [key for key, each in kept.items() if each.broken] == ["orders", "totals"]
        assert kept["orders"].pipelines == ("nightly",)
        scene.restarted()
    scene.write("data.py", ASSETS)
    await scene.look()
    assert not any(each.broken for each in scene.project.state.assets.values())
