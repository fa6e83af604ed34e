"""Versions compared: the graph in lines, the files with their texts."""

from __future__ import annotations

from toque import pipeline, task
from toque.api.changes import MOST_FILES, file_changes, graph_changes
from toque.api.code_of import _cut
from toque.api.wire.versions import VersionFile
from toque.errors import NotFound
from toque.graph.diff import Changes, FieldChange, diff


@task
def one() -> int:
    return 1


@task(retries=2)
def two(x: int) -> int:
    return x


@pipeline
def flow(n: int = 1) -> int:
    return two(one())


class Shelf:
    """A `Code` in memory."""

    def __init__(self, **bundles: dict[str, str]) -> None:
        self.bundles = bundles
        self.read: list[str] = []

    def files(self, bundle: str) -> list[VersionFile]:
        if bundle not in self.bundles:
            raise NotFound(f"no {bundle}")
        return [VersionFile(path=path, size=len(text), digest=text) for path, text in self.bundles[bundle].items()]

    def text(self, bundle: str, path: str) -> str:
        self.read.append(path)
        return self.bundles[bundle][path]

    def log_file(self, run_id: str, key: object, attempt: int) -> str:
        raise AssertionError

    def traceback(self, run_id: str, key: object, attempt: int) -> str:
        raise AssertionError


def test_files_that_differ_come_with_both_texts() -> None:
    shelf = Shelf(old={"a": "1", "b": "2", "c": "3"}, new={"a": "1", "b": "20", "d": "4"})
    found = [(each.path, each.status, each.before, each.after) for each in file_changes(shelf, "old", "new")]
    assert found == [("b", "changed", "2", "20"), ("c", "removed", "3", ""), ("d", "added", "", "4")]
    assert "a" not in shelf.read


def test_the_same_bundle_is_not_even_looked_at() -> None:
    assert file_changes(Shelf(), "x", "x") == []


def test_beyond_a_bound_files_are_only_named() -> None:
    shelf = Shelf(old={}, new={f"{number:04}": "x" for number in range(MOST_FILES + 5)})
    found = file_changes(shelf, "old", "new")
    assert len(found) == MOST_FILES + 5
    assert [each.after for each in found[-5:]] == [""] * 5


def test_what_happened_to_the_graph_is_told_by_node() -> None:
    @pipeline(name="flow")
    def later(n: int = 2) -> int:
        return two.options(retries=5)(one())

    found = graph_changes(diff(flow.ir, later.ir))
    kinds = {(each.kind, each.node) for each in found}
    assert ("parameter", "") in kinds
    assert any(kind in ("changed", "removed") and node == "two" for kind, node in kinds)


def test_added_and_removed_nodes_name_what_they_wait_for() -> None:
    @pipeline(name="flow")
    def shorter(n: int = 1) -> int:
        return one()

    removed = graph_changes(diff(flow.ir, shorter.ir))
    assert [(each.kind, each.node, each.text) for each in removed if each.kind == "removed"] == [("removed", "two", "")]
    added = graph_changes(diff(shorter.ir, flow.ir))
    assert [each.text for each in added if each.kind == "added"] == ["after one"]


SOURCE = """import x

@decorated(
    1
)
def plain():
    return 1


class Holder:
    async def method(self):
        return 2
"""


def test_the_source_of_a_function_is_cut_with_its_decorators() -> None:
    assert _cut(SOURCE, "plain") == (3, "@decorated(\n    1\n)\ndef plain():\n    return 1")
    assert _cut(SOURCE, "Holder.method") == (11, "    async def method(self):\n        return 2")


def test_what_is_not_there_or_no_python_has_no_source() -> None:
    assert _cut(SOURCE, "nope") == (0, "")
    assert _cut(SOURCE, "plain.inner") == (0, "")
    assert _cut("def broken(", "broken") == (0, "")
    assert _cut("x = 1\0", "x") == (0, "")


def test_a_field_is_named_without_its_place_in_the_document() -> None:
    changed = FieldChange(field="meta.doc", old="Feeds.", new="Feeds all.")
    (line,) = graph_changes(Changes(pipeline=(changed,)))
    assert (line.kind, line.text.partition(":")[0]) == ("pipeline", "doc")
