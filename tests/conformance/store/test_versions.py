"""Pipeline versions, and which of them is current."""

from __future__ import annotations

import pytest

from tests import store_rows as rows
from toque.errors import UserError
from toque.ports.store import Store


async def test_a_version_comes_back_as_it_was(store: Store) -> None:
    row = rows.version(git_commit="abc", git_dirty=True, file="flows/p.py", actor="ann", ir=bytes(range(256)))
    await store.put_version(row, make_current=False)
    assert await store.get_version("v1") == row
    assert await store.get_version("v2") is None
    assert await store.current_version("p") is None


async def test_the_current_version_is_the_one_made_so_last(store: Store) -> None:
    await store.put_version(rows.version("v1"), make_current=True)
    await store.put_version(rows.version("v2", created_us=2), make_current=True)
    await store.put_version(rows.version("v3", created_us=3), make_current=False)
    await store.put_version(rows.version("w1", pipeline="q"), make_current=True)
    assert await store.current_version("p") == rows.version("v2", created_us=2)
    await store.set_current("p", "v1", actor="ann", now_us=5)
    assert await store.current_version("p") == rows.version("v1")
    assert await store.current_version("q") == rows.version("w1", pipeline="q")


@pytest.mark.parametrize("version", ["v9", "w1"], ids=["unknown", "of another pipeline"])
async def test_only_a_version_of_the_pipeline_can_be_made_current(store: Store, version: str) -> None:
    await store.put_version(rows.version("v1"), make_current=True)
    await store.put_version(rows.version("w1", pipeline="q"), make_current=True)
    with pytest.raises(UserError, match=version):
        await store.set_current("p", version, actor="ann", now_us=5)
    assert await store.current_version("p") == rows.version("v1")


async def test_a_version_stored_again_keeps_its_age(store: Store) -> None:
    await store.put_version(rows.version(created_us=1, git_dirty=True), make_current=True)
    await store.put_version(rows.version(created_us=9, git_dirty=False, git_commit="abc"), make_current=True)
    assert await store.get_version("v1") == rows.version(created_us=1, git_commit="abc")


async def test_versions_are_listed_newest_first(store: Store) -> None:
    for n, (name, pipeline) in enumerate([("v1", "p"), ("w1", "q"), ("v2", "p"), ("v3", "p")]):
        await store.put_version(rows.version(name, pipeline=pipeline, created_us=n // 2), make_current=False)
    mine = await store.list_versions("p")
    assert [row.version for row in mine] == ["v3", "v2", "v1"]
    assert mine[0].ir == b'{"name":"p"}'
    everything = await store.list_versions()
    assert [row.version for row in everything] == ["v3", "v2", "w1", "v1"]
    assert {row.ir for row in everything} == {b""}
    assert [row.version for row in await store.list_versions(limit=2)] == ["v3", "v2"]
