"""Pages of a log: numbered lines, continued where the last page ended, while the file grows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from toque.api.bulk import LogRows
from toque.api.log_pages import REMEMBERED, LogPages, Wanted, as_text


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "1.jsonl"


def line(text: str, level: str = "info", stream: str = "stdout") -> str:
    return json.dumps({"t": 1, "level": level, "stream": stream, "msg": text}) + "\n"


def write(file: Path, count: int, first: int = 1) -> None:
    with file.open("a") as open_file:
        open_file.writelines(line(f"line {number}") for number in range(first, first + count))


READER = LogPages()


def page(file: Path, reader: LogPages = READER, **wanted: object) -> LogRows:
    fields = {"after": 0, "limit": 10, "level": "", "search": "", "tail": False, "over": True, **wanted}
    return reader.read(str(file), Wanted(**fields))  # type: ignore[arg-type]


def test_a_log_that_was_never_written_is_empty(file: Path) -> None:
    assert (page(file).lines, page(file).ended, page(file, over=False).ended) == ([], True, False)


def test_pages_follow_one_another(file: Path) -> None:
    write(file, 25)
    numbers, after = [], 0
    while True:
        found = page(file, after=after)
        numbers += [each.n for each in found.lines]
        after = found.next
        if found.ended:
            break
    assert numbers == list(range(1, 26))


def test_a_follower_gets_what_was_appended(file: Path) -> None:
    write(file, 3)
    first = page(file, over=False)
    assert (first.next, first.ended) == (3, False)
    write(file, 2, first=4)
    second = page(file, after=first.next)
    assert [(each.n, each.text) for each in second.lines] == [(4, "line 4"), (5, "line 5")]
    assert second.ended


def test_a_line_that_is_still_being_written_waits(file: Path) -> None:
    write(file, 1)
    with file.open("a") as open_file:
        open_file.write(line("half")[:-10])
    assert page(file).next == 1
    with file.open("a") as open_file:
        open_file.write(line("half")[-10:])
    assert [each.text for each in page(file, after=1).lines] == ["half"]


def test_a_damaged_line_is_counted_and_left_out(file: Path) -> None:
    file.write_text(line("one") + '{"t": 1, "ms\n' + line("three"))
    assert [(each.n, each.text) for each in page(file).lines] == [(1, "one"), (3, "three")]


def test_levels_and_words_are_found(file: Path) -> None:
    file.write_text(line("quiet", "debug") + line("LOUD", "error") + line("loud", "warning"))
    assert [each.text for each in page(file, level="warning").lines] == ["LOUD", "loud"]
    assert [each.n for each in page(file, search="loud", level="error").lines] == [2]
    assert page(file, search="nothing").next == 3


def test_the_tail_is_the_last_lines(file: Path) -> None:
    write(file, 25)
    found = page(file, tail=True, limit=3)
    assert [each.n for each in found.lines] == [23, 24, 25]
    assert (found.next, found.ended) == (25, True)


def test_a_page_that_is_asked_for_out_of_order_is_the_same(file: Path) -> None:
    write(file, 30)
    assert [each.n for each in page(file, after=17, limit=3).lines] == [18, 19, 20]
    assert [each.n for each in page(file, LogPages(), after=20, limit=3).lines] == [21, 22, 23]


def test_positions_are_forgotten_in_time(tmp_path: Path) -> None:
    reader = LogPages()
    for number in range(REMEMBERED + 20):
        write(tmp_path / str(number), 1)
        page(tmp_path / str(number), reader)
    assert len(reader._positions) == REMEMBERED


def test_as_text_it_is_for_people(file: Path) -> None:
    file.write_text(line("hello", "warning"))
    assert list(as_text(str(file))) == ["1970-01-01T00:00:00.000001Z WARNING hello\n"]
    assert list(as_text(str(file) + ".nope")) == []
