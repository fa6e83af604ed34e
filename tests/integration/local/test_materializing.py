"""Making assets: stage by stage, partition by partition; what failed holds back what is made from it, nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from toque.errors import UserError
from toque.local import materializing
from toque.local.materializing import Made, go_on, materialize
from toque.local.selecting import Planned
from toque.runtime.planning import Wish
from toque.settings import Settings, load
from toque.store import open_store

SALES = dedent(
    """
    from pathlib import Path

    from toque import AllPartitions, Static, asset, context, select, pipeline, use

    HERE = Path(__file__).parent

    @asset(group="raw")
    def orders() -> list:
        return [("jan", 3), ("feb", 4), ("jan", 5)]

    @asset(partitions=Static(["jan", "feb", "mar"]))
    def revenue(orders: list) -> int:
        month = context().partition_key
        if month in BROKEN:
            raise ValueError(f"no {month}")
        return sum(eur for each, eur in orders if each == month)

    @asset(partitions=Static(["jan", "feb", "mar"]))
    def doubled(revenue: int) -> int:
        return revenue * 2

    @asset
    def total(revenue: dict = use(revenue, AllPartitions())) -> int:
        return sum(revenue.values())

    @asset
    def apart() -> int:
        return 1

    @pipeline
    def whole():
        orders()
    """
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "toque.toml").write_text("")
    write(tmp_path)
    return tmp_path


def write(project: Path, *, broken: str = "") -> None:
    (project / "sales.py").write_text(SALES.replace("BROKEN", repr((broken,))))


def made(project: Path, selection: str, **fields: object) -> dict[str, str]:
    """How each run of a selection ended, by its assets and partition."""
    heard: list[Made] = []
    row = materialize(settings_of(project), Wish(selection=selection, **fields), told=heard.append)  # type: ignore[arg-type]
    assert row.total == len(heard)
    return {"+".join(each.assets) + (f"[{each.partition}]" if each.partition else ""): each.outcome for each in heard}


def settings_of(project: Path) -> Settings:
    return load(project)


async def standing(project: Path, asset: str) -> dict[str, str]:
    """Data version by partition."""
    store = open_store(settings_of(project).store_url)
    await store.open()
    try:
        return {each.partition: each.data_version for each in await store.assets.slices(asset)}
    finally:
        await store.close()


def test_what_a_selection_names_is_made_after_what_it_is_made_from(project: Path) -> None:
    assert made(project, "*", partitions="all") == {
        "orders+apart": "succeeded",
        "revenue+doubled[jan]": "succeeded",
        "revenue+doubled[feb]": "succeeded",
        "revenue+doubled[mar]": "succeeded",
        "total": "succeeded",
    }


async def test_each_slice_is_known_with_its_version(project: Path) -> None:
    import asyncio

    await asyncio.to_thread(made, project, "+revenue", partitions="jan, mar")
    found = await standing(project, "revenue")
    assert sorted(found) == ["jan", "mar"]
    assert found["jan"] != found["mar"]
    await asyncio.to_thread(made, project, "revenue", partitions="jan")
    assert await standing(project, "revenue") == found


def test_a_slice_that_failed_holds_back_only_what_is_made_from_it(project: Path) -> None:
    write(project, broken="feb")
    assert made(project, "*", partitions="all", max_active=1) == {
        "orders+apart": "succeeded",
        "revenue+doubled[jan]": "succeeded",
        "revenue+doubled[feb]": "failed",
        "revenue+doubled[mar]": "succeeded",
        "total": "skipped",
    }
    write(project)
    assert made(project, "*", missing=True) == {"revenue+doubled[feb]": "succeeded", "total": "succeeded"}
    assert made(project, "*", missing=True) == {}


def test_what_it_reads_need_not_be_made_again(project: Path) -> None:
    made(project, "orders")
    assert made(project, "revenue", partitions="jan") == {"revenue[jan]": "succeeded"}


def test_what_was_never_made_cannot_be_read(project: Path) -> None:
    heard: list[Made] = []
    row = materialize(settings_of(project), Wish(selection="revenue", partitions="jan"), told=heard.append)
    assert ([each.outcome for each in heard], str(row.state)) == (["failed"], "failed")
    assert "orders has not been materialized" in heard[0].error


@pytest.mark.parametrize(
    ("wish", "message", "fix"),
    [
        (Wish(selection="revenue"), "which partitions?", "--partitions all"),
        (Wish(selection="orders", partitions="eu"), "Nothing of the selection has partitions", "leave out"),
        (Wish(selection="revenue", partitions="apr"), "no partition 'apr'", "jan, feb, mar"),
        (Wish(selection="revenu"), "No asset is selected by 'revenu'", "revenue"),
    ],
)
def test_what_cannot_be_made_is_refused_before_the_first_run(project: Path, wish: Wish, message: str, fix: str) -> None:
    with pytest.raises(UserError) as refused:
        materialize(settings_of(project), wish, told=lambda made: None)
    assert message in refused.value.message
    assert fix in refused.value.fix


def test_what_the_how_to_page_shows_is_true(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "assets.md").read_text()
    (tmp_path / "toque.toml").write_text("")
    (tmp_path / "shown.py").write_text(page.split("```python\n")[1].split("```")[0])
    assert made(tmp_path, "+worst", partitions="all") == {
        "flights": "succeeded",
        "delays[2013-01]": "succeeded",
        "delays[2013-02]": "succeeded",
        "worst": "succeeded",
    }
    assert made(tmp_path, "flights+", missing=True) == {}
    files = sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "lake").rglob("*.parquet"))
    assert files == ["lake/delays/2013-01.parquet", "lake/delays/2013-02.parquet", "lake/flights.parquet"]


def test_a_broken_file_takes_away_only_its_own_assets(project: Path) -> None:
    (project / "broken.py").write_text("import toque\nfrom toque import nothing_of_the_kind\n")
    assert made(project, "orders") == {"orders": "succeeded"}


GATED = """
from pathlib import Path
from toque import Partition, Static, asset, use

@asset(partitions=Static(["one", "two", "three"]))
def step(each: Partition = use(Partition)) -> str:
    return Path("gate").read_text() if each.key == "two" else each.key
"""


def test_the_same_code_is_asked_once_what_a_selection_comes_to(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that may import it takes a second; an edit, or another selection, asks it again."""
    asked: list[str] = []

    def answer(root: Path, files: object, selection: str, name: str, *, apart: bool) -> Planned:
        asked.append(selection)
        return Planned(broken=("broken.py",) if selection == "broken" else ())

    monkeypatch.setattr(materializing, "prepare_selection", answer)
    known: materializing.Answers = {}
    settings = load(project, environ={})
    for selection in ("orders", "revenue", "orders", "broken", "broken"):
        materializing.prepare(settings, Wish(selection=selection), 1, known)
    assert asked == ["orders", "revenue", "broken", "broken"]
    (project / "sales.py").write_text(SALES.replace("jan", "dec"))
    materializing.prepare(settings, Wish(selection="orders"), 1, known)
    assert asked[4:] == ["orders"]


def test_what_is_not_there_to_be_selected_may_stand_in_a_file_that_cannot_be_loaded(project: Path) -> None:
    (project / "worse.py").write_text("from toque import asset\ndef x(:\n")
    with pytest.raises(UserError, match=r"No asset is selected by 'margin': worse\.py cannot be loaded\."):
        materializing.preview(load(project, environ={}), Wish(selection="margin"))


def test_a_plan_whose_process_is_killed_goes_on_elsewhere(project: Path) -> None:
    (project / "gated.py").write_text(GATED)
    os.mkfifo(project / "gate")
    command = [sys.executable, "-m", "toque", "materialize", "step", "--partitions", "all", "--at-once", "1"]
    process = subprocess.Popen(command, cwd=project, stdout=subprocess.DEVNULL, start_new_session=True)
    with open(project / "gate", "w"):  # opens when somebody reads: the second run is under way
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    (project / "gate").unlink()
    (project / "gate").write_text("open")
    heard: list[Made] = []
    [row] = go_on(settings_of(project), told=heard.append)
    assert (str(row.state), row.total, row.succeeded) == ("succeeded", 3, 3)
    assert {each.partition for each in heard} == {"two", "three"}
    assert sorted(asyncio.run(standing(project, "step"))) == ["one", "three", "two"]


def test_what_the_page_about_backfills_shows_is_true(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "backfills.md").read_text()
    (tmp_path / "toque.toml").write_text("")
    (tmp_path / "shown.py").write_text(page.split("```python\n")[1].split("```")[0])
    assert made(tmp_path, "takings+", partitions="2026-01-05..2026-01-07") == {
        "takings+tips[2026-01-05]": "succeeded",
        "takings+tips[2026-01-06]": "failed",
        "takings+tips[2026-01-07]": "succeeded",
    }
    weather = made(tmp_path, "weather", partitions="all", strategy="ranges(7)")
    assert sorted(weather)[0] == "weather[2026-01-01..2026-01-07]"
    assert sorted(weather)[-1] == "weather[2026-01-29..2026-01-31]"
