"""The index of assets: those of files, of pipelines, of others, and those that a broken file had."""

from __future__ import annotations

from pathlib import Path

import pytest

from toque.graph.assets import Asset, AssetDependency
from toque.graph.ir import CodeRef, Origin, Pipeline, TaskNode
from toque.local.asset_index import FILE, assets_in, read_assets, write_assets
from toque.local.loading import LoadedFile, Problem
from toque.ports.project import IndexedAsset, IndexedPipeline

CODE = CodeRef(module="m", qualname="f")


def asset(key: str, *upstream: str, node: str = "") -> Asset:
    return Asset(key=key, node=node, upstream=tuple(AssetDependency(asset=each) for each in upstream))


def pipeline(name: str, *assets: Asset, file: str = "f.py") -> IndexedPipeline:
    nodes = tuple(TaskNode(id=each.node, code=CODE, origin=Origin(file=file, line=7)) for each in assets if each.node)
    ir = Pipeline(name=name, nodes=nodes, assets=assets)
    return IndexedPipeline(name=name, file=file, version="v", file_version="v", ir=ir)


def test_an_asset_is_known_by_its_file_whether_or_not_a_pipeline_makes_it() -> None:
    loaded = LoadedFile(file="a.py", assets=(asset("b"), asset("a")), lines={"a": 3, "b": 9})
    found = assets_in([loaded], [pipeline("p", asset("a", node="a"))], {})
    assert list(found) == ["a", "b"]
    assert found["a"] == IndexedAsset(asset=asset("a"), file="a.py", line=3, pipelines=("p",))
    assert found["b"] == IndexedAsset(asset=asset("b"), file="a.py", line=9)


def test_what_is_only_read_is_external_with_what_is_known_of_it() -> None:
    crm = Asset(key="crm.contact", owner="sales")
    sheet = Asset(key="sheet", doc="By hand.")
    loaded = LoadedFile(file="a.py", assets=(asset("a", "crm.contact"), asset("b", "web.visits")), externals=(sheet,))
    found = assets_in([loaded], [pipeline("p", asset("a", "crm.contact", node="a"), crm)], {})
    assert found["sheet"] == IndexedAsset(asset=sheet, external=True)
    assert found["crm.contact"] == IndexedAsset(asset=crm, external=True)
    assert found["web.visits"] == IndexedAsset(asset=asset("web.visits"), external=True)


def test_an_asset_that_another_file_makes_is_not_external() -> None:
    files = [LoadedFile(file="a.py", assets=(asset("a", "b"),)), LoadedFile(file="b.py", assets=(asset("b"),))]
    found = assets_in(files, [pipeline("p", asset("a", "b", node="a"), asset("b"))], {})
    assert (found["b"].external, found["b"].file) == (False, "b.py")


def test_an_asset_that_only_a_pipeline_has_stands_where_its_node_does() -> None:
    found = assets_in([], [pipeline("p", asset("a", node="n"), file="p.py")], {})
    assert found["a"] == IndexedAsset(asset=asset("a"), file="p.py", line=7, pipelines=("p",))


def test_a_broken_file_keeps_its_assets_and_a_mended_one_has_those_that_it_says() -> None:
    before = assets_in([LoadedFile(file="a.py", assets=(asset("a", "raw"), asset("b")), lines={"a": 3})], [], {})
    broken = LoadedFile(file="a.py", problems=(Problem(message="no"),))
    kept = assets_in([broken], [], before)
    assert list(kept) == ["a", "b", "raw"]
    assert (kept["a"].broken, kept["a"].line, kept["raw"].broken) == (True, 3, False)
    assert not assets_in([LoadedFile(file="a.py", assets=(asset("a"),))], [], kept)["a"].broken


def test_assets_of_a_file_that_is_gone_are_gone() -> None:
    before = assets_in([LoadedFile(file="a.py", assets=(asset("a", "raw"),))], [], {})
    assert assets_in([], [], before) == {}


def test_of_two_definitions_the_first_one_counts() -> None:
    files = [LoadedFile(file="a.py", assets=(asset("a"),)), LoadedFile(file="b.py", assets=(asset("a", "x"),))]
    assert assets_in(files, [], {})["a"].file == "a.py"


def test_they_are_there_after_a_restart(tmp_path: Path) -> None:
    found = assets_in([LoadedFile(file="a.py", assets=(asset("a", "raw"),))], [], {})
    write_assets(tmp_path, found)
    assert read_assets(tmp_path) == found
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}'])
def test_a_damaged_file_is_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert read_assets(tmp_path) == {}


def test_a_project_without_assets_writes_nothing_and_forgets_those_it_had(tmp_path: Path) -> None:
    write_assets(tmp_path, {})
    assert list(tmp_path.iterdir()) == []
    write_assets(tmp_path, {"a": IndexedAsset(asset=asset("a"))})
    write_assets(tmp_path, {})
    assert read_assets(tmp_path) == {}
