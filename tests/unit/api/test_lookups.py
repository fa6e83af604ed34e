"""Cursors are opaque, and what was made up is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.api.lookups import cursor_of, no_pipeline, position_of
from toque.errors import UserError
from toque.graph.ir import Pipeline
from toque.ports.project import BrokenFile, FileProblem, IndexedPipeline, ProjectState


@given(st.lists(st.text() | st.integers(-(2**53), 2**53) | st.lists(st.integers(0, 9))))
def test_a_cursor_comes_back_as_it_was(position: list[Any]) -> None:
    kinds = [type(part) for part in position]
    assert position_of(cursor_of(position), *kinds) == (position if position else position_of(cursor_of([])))


def test_no_cursor_is_the_first_page() -> None:
    assert position_of("", str) is None


@pytest.mark.parametrize("cursor", ["x", "!!!", "W10", cursor_of([1, 2]), cursor_of(["x", 1]), "Ä" * 10, "=" * 7])
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(UserError, match="no cursor"):
        position_of(cursor, str)


@given(st.text(min_size=1))
def test_no_text_breaks_it(text: str) -> None:
    try:
        position_of(text, str)
    except UserError:
        return


def project(*names: str, missing: tuple[str, ...] = ()) -> ProjectState:
    """A project; with `missing`, one with a broken file as well."""
    found = {
        name: IndexedPipeline(name=name, file="f.py", version="v", file_version="v", ir=Pipeline(name=name))
        for name in names
    }
    problem = FileProblem(message="'(' was never closed", line=3)
    broken = (BrokenFile(file="bad.py", problems=(problem,), since_us=1, missing=missing),) if missing else ()
    return ProjectState(pipelines=found, broken=broken)


@pytest.mark.parametrize(
    ("state", "message", "fix"),
    [
        (project(), "there is no pipeline 'words'", "`toque list` names them"),
        (project("word", "flights"), "there is no pipeline 'words'", "did you mean 'word'?"),
        (
            project("word", missing=("words",)),
            "there is no pipeline 'words': bad.py:3 cannot be loaded ('(' was never closed)",
            "mend the file; `toque check` shows the line",
        ),
        (
            project("flights", missing=("other",)),
            "there is no pipeline 'words'",
            "`toque list` names them; bad.py:3 cannot be loaded ('(' was never closed), and it may define it",
        ),
    ],
)
def test_a_pipeline_that_is_not_there_is_explained(state: ProjectState, message: str, fix: str) -> None:
    error = no_pipeline(state, "words")
    assert (error.message, error.fix) == (message, fix)
