"""What each line of the log makes known, and what it makes doubtful."""

from __future__ import annotations

import pytest

from toque.data.syncs.acknowledging import Line, Status, folded
from toque.data.syncs.diff import UNKNOWN

BEFORE = {"k": "old"}


@pytest.mark.parametrize(
    ("statuses", "known"),
    [
        ([], "old"),
        (["sent"], UNKNOWN),
        (["sent", "accepted"], "new"),
        (["sent", "rejected"], "old"),
        (["sent", "unsent"], "old"),
        (["sent", "unsent", "sent"], UNKNOWN),
        (["sent", "unsent", "sent", "accepted"], "new"),
        # The try without an answer may have had its effect, whatever became of the next one.
        (["sent", "sent", "rejected"], UNKNOWN),
        (["sent", "sent", "unsent"], UNKNOWN),
        (["sent", "sent", "accepted"], "new"),
        (["invalid"], "old"),
        (["rejected"], "old"),
        (["noted"], "old"),
        (["accepted"], "new"),
    ],
)
def test_what_is_known_after_these_lines(statuses: list[Status], known: str) -> None:
    assert folded(BEFORE, [Line("k", status, "new") for status in statuses]) == {"k": known}


def test_an_accepted_delete_leaves_nothing() -> None:
    assert folded(BEFORE, [Line("k", "sent", ""), Line("k", "accepted", "")]) == {}
    assert folded(BEFORE, [Line("k", "sent", "")]) == {"k": UNKNOWN}


def test_a_first_try_that_is_rejected_leaves_nothing() -> None:
    assert folded({}, [Line("k", "sent", "new"), Line("k", "rejected", "new")]) == {}
    assert folded({}, [Line("k", "sent", "new")]) == {"k": UNKNOWN}


def test_it_does_not_matter_where_the_log_is_cut_into_folds() -> None:
    statuses: list[Status] = ["sent", "sent", "rejected", "sent", "accepted", "sent", "unsent", "sent"]
    lines = [Line("k", status, str(number)) for number, status in enumerate(statuses)]
    whole = folded(BEFORE, lines)
    for cut in range(len(lines) + 1):
        # A run ends between an answer and the next line that is sent, or without an answer.
        if cut < len(lines) and lines[cut].status != "sent":
            continue
        assert folded(folded(BEFORE, lines[:cut]), lines[cut:]) == whole
