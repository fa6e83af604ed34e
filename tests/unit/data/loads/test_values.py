"""The values of loads: they survive JSON, name their keys, and refuse what is no table."""

from __future__ import annotations

import msgspec
import pytest

from toque.data.loads.result import LoadResult
from toque.errors import UserError
from toque.graph.loads import AnyMode, Append, Contract, LoadSpec, Merge, Replace, Scd2, TableName, Upsert


@pytest.mark.parametrize(
    "mode", [Append(), Append("id"), Upsert(("a", "b")), Merge("id", deletes="soft"), Scd2("id"), Replace()], ids=str
)
def test_a_spec_survives_json(mode: AnyMode) -> None:
    spec = LoadSpec(table=TableName.parse("raw.contact"), mode=mode, contract=Contract("freeze"))
    assert msgspec.json.decode(msgspec.json.encode(spec), type=LoadSpec) == spec


def test_keys_are_a_tuple_however_they_are_given() -> None:
    assert [mode.keys for mode in (Append(), Append("id"), Merge(("a", "b")), Replace())] == [
        (),
        ("id",),
        ("a", "b"),
        (),
    ]


def test_table_names_have_up_to_three_parts() -> None:
    assert TableName.parse("lake.raw.contact") == TableName(name="contact", schema="raw", catalog="lake")
    assert [str(TableName.parse(text)) for text in ("contact", "raw.contact")] == ["contact", "raw.contact"]
    for text in ("", "raw.", "a.b.c.d"):
        with pytest.raises(UserError, match="is no name of a table"):
            TableName.parse(text)


def test_a_result_tells_what_was_ignored() -> None:
    done = LoadResult(table="raw.contact", source="crm", cursor="3", read=1_010, inserted=1_000, updated=4, deleted=1)
    assert (done.changed, done.ignored) == (1_005, 5)
    assert str(done) == "raw.contact: 1,000 inserted, 4 updated, 1 deleted, 5 ignored"
    assert LoadResult(table="t", source="s", cursor="", read=1, deleted=5).ignored == 0
