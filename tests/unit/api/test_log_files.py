"""Following a log: numbers as the pages have them, whole lines only, whatever the sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toque.api.log_files import CHUNK_BYTES, End, end_of, lines_after, lines_before
from toque.api.log_pages import LogPages, Wanted


def line(text: str) -> bytes:
    return b'{"t":1,"level":"info","stream":"stdout","msg":"%s"}\n' % text.encode()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "_-1.jsonl"


def test_a_log_that_is_not_there_is_empty(log: Path) -> None:
    assert end_of(str(log)) == End(0, 0)
    assert lines_after(str(log), End()) == ([], End())
    assert lines_before(str(log), End(10, 2), 5) == ([], 2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([b"", b"junk\n", *map(line, "abc")]), max_size=12), st.integers(0, 12))
def test_every_line_has_the_number_that_the_pages_give_it(log: Path, parts: list[bytes], most: int) -> None:
    log.write_bytes(b"".join(parts) + b'{"t":1,"msg":"cut of')
    page = LogPages().read(str(log), Wanted(after=0, limit=1_000, level="", search="", tail=False, over=False))
    end = end_of(str(log))
    followed, after = lines_after(str(log), End())
    assert followed == page.lines
    assert after == end
    assert end.number == page.next
    last, before = lines_before(str(log), end, most)
    assert last == [each for each in page.lines if each.n > before]
    assert before == max(0, end.number - most)


def test_a_line_longer_than_a_chunk_is_read_whole(log: Path) -> None:
    log.write_bytes(line("x" * 2 * CHUNK_BYTES) + line("short"))
    lines, end = lines_after(str(log), End())
    assert [len(each.text) for each in lines] == [2 * CHUNK_BYTES]
    lines, end = lines_after(str(log), end)
    assert [(each.n, each.text) for each in lines] == [(2, "short")]
    assert end == end_of(str(log))


def test_what_is_too_far_back_is_not_told(log: Path) -> None:
    log.write_bytes(b"".join(line("x" * 1_000) for _ in range(1_000)))
    end = end_of(str(log))
    lines, before = lines_before(str(log), end, 1_000)
    assert before > 0
    assert [each.n for each in lines] == list(range(before + 1, 1_001))
