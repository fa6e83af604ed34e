"""Which pipeline of a file is meant."""

from __future__ import annotations

import pytest

from toque import external, pipeline, task
from toque.errors import UserError
from toque.graph.ir import Pipeline
from toque.local.loading import LoadedFile, only


def seen() -> dict[str, int]:
    return {"rows": 3}


@task
def said() -> int:
    return 1


@pipeline
def one() -> None:
    said()


@pipeline
def other() -> None:
    said()


def looking(key: str) -> Pipeline:
    return external(key, observe=seen).pipeline.ir  # type: ignore[attr-defined, no-any-return]


def loaded(*pipelines: Pipeline) -> LoadedFile:
    return LoadedFile(file="f.py", pipelines=pipelines)


def test_what_only_looks_at_data_is_not_counted_beside_what_somebody_wrote() -> None:
    assert only(loaded(looking("crm.A"), one.ir, looking("crm.B"))) is one.ir


def test_it_is_meant_where_there_is_nothing_else() -> None:
    alone = looking("crm.A")
    assert only(loaded(alone)) is alone


def test_a_name_chooses_any() -> None:
    watched = looking("crm.A")
    assert only(loaded(one.ir, watched), watched.name) is watched


@pytest.mark.parametrize("pipelines", [(one.ir, other.ir), (looking("crm.A"), looking("crm.B"))])
def test_several_of_a_kind_have_to_be_named(pipelines: tuple[Pipeline, ...]) -> None:
    with pytest.raises(UserError, match="the file has 2 pipelines"):
        only(loaded(*pipelines))
