"""Logs: JSON lines, masked, cut, whole."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import logging
import os
import re
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attempts import node, spec
from toque.worker import attempt, capture
from toque.worker.environment import Environment
from toque.worker.log import Log, LogFile
from toque.worker.masking import Masker
from toque.worker.rawoutput import State, fold, fold_what_is_left, has_rest, last_words


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_text_becomes_lines_whatever_pieces_it_comes_in(tmp_path: Path) -> None:
    log = Log(LogFile(str(tmp_path / "deep" / "a.jsonl")), Masker())
    for piece in ("a", "b\nc\n", "\n", "d", "e"):
        log.text("stdout", piece)
    log.text("stderr", "other\n")
    log.close()
    lines = read(tmp_path / "deep" / "a.jsonl")
    assert [line["msg"] for line in lines if line["stream"] == "stdout"] == ["ab", "c", "", "de"]
    assert [line["level"] for line in lines if line["stream"] == "stderr"] == ["warning"]


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=20)))
def test_no_character_is_lost_or_added(pieces: list[str]) -> None:
    written: list[bytes] = []

    class Memory(LogFile):
        def write(self, lines: bytes) -> None:
            written.append(lines)

    log = Log(Memory("-"), Masker())
    for piece in pieces:
        log.text("stdout", piece)
    log.close()
    lines = [json.loads(line)["msg"] for line in b"".join(written).split(b"\n")[:-1]]
    text = "".join(pieces)
    expected = text.split("\n")
    assert lines == (expected if expected[-1] else expected[:-1])


def test_a_line_that_never_ends_does_not_stay_in_memory(tmp_path: Path) -> None:
    log = Log(LogFile(str(tmp_path / "a")), Masker())
    for _ in range(25_000):
        log.text("stdout", "dot.")
    log.close()
    lines = read(tmp_path / "a")
    assert len(lines) == 3
    assert "".join(line["msg"] for line in lines) == "dot." * 25_000


def test_lines_of_threads_do_not_mix(tmp_path: Path) -> None:
    log = Log(LogFile(str(tmp_path / "a")), Masker())

    def say(word: str) -> None:
        for _ in range(2_000):
            for piece in (word, "-", word, "\n"):
                log.text("stdout", piece)

    threads = [threading.Thread(target=say, args=(word,)) for word in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert Counter(line["msg"] for line in read(tmp_path / "a")) == {
        "one-one": 2_000,
        "two-two": 2_000,
        "three-three": 2_000,
    }


def test_lone_surrogates_are_replaced(tmp_path: Path) -> None:
    log = Log(LogFile(str(tmp_path / "a")), Masker())
    log.text("stdout", "a\udc80b\n")
    log.close()
    assert read(tmp_path / "a")[0]["msg"] == "a?b"


def test_a_log_is_cut_at_its_limit_and_says_so_once(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for _ in range(2):
        log = Log(LogFile(str(path), limit_bytes=2_000), Masker())
        for _ in range(100):
            log.text("stdout", "x" * 50 + "\n")
        log.close()
    lines = read(path)
    assert "cut here" in lines[-1]["msg"]
    assert path.stat().st_size < 2_500
    assert sum("cut here" in line["msg"] for line in lines) <= 2


@pytest.mark.filterwarnings("ignore:from warnings")
def test_a_log_that_cannot_be_written_does_not_fail_its_attempt(tmp_path: Path, env: Environment) -> None:
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    report = attempt.execute(spec(node("speak"), log_path=str(full)), env)
    assert type(report).__name__ == "AttemptSucceeded"


def test_a_log_says_how_much_is_missing_once_the_disk_has_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = [10_000]
    real = os.write

    def write(fd: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = real(fd, data[: room[0]])
        room[0] -= written
        return written

    log = Log(LogFile(str(tmp_path / "a")), Masker())
    monkeypatch.setattr("toque.worker.log.os.write", write)
    log.text("stdout", "first\n")
    room[0] = 20
    log.text("stdout", "torn\nlost\n")
    log.text("stdout", "lost too\n")
    room[0] = 10_000
    log.text("stdout", "last\n")
    log.close()
    kept = []
    for line in (tmp_path / "a").read_bytes().splitlines():
        with contextlib.suppress(ValueError):
            kept.append(json.loads(line)["msg"])
    assert kept[0] == "first"
    assert re.fullmatch(r"\d+ bytes of this log are missing: .*disk full.*", kept[1])
    assert kept[2:] == ["last"]


def test_secrets_are_masked_whole_longest_first_and_line_by_line() -> None:
    masker = Masker(["hunter2", "hunter2-long", "abc", "-----KEY\nsecond-line"])
    assert masker.mask("hunter2-long hunter2 abc") == "*** *** abc"
    assert masker.mask("the second-line of it") == "the *** of it"
    assert masker.mask_data({"hunter2": ["hunter2", 1, None]}) == {"***": ["***", 1, None]}
    assert Masker().mask_data({"a": 1}) == {"a": 1}


def test_masking_covers_prints_records_and_tracebacks(tmp_path: Path, env: Environment) -> None:
    env.masker.add("hunter2")
    path = tmp_path / "a"
    borrowed = capture.Borrowed()
    borrowed.take()
    try:
        report = attempt.execute(spec(node("secret_in_print", "hunter2"), log_path=str(path)), env)
    finally:
        borrowed.give_back()
    assert report.error.message == "bad password ***"  # type: ignore[union-attr]
    assert "hunter2" not in path.read_text()
    assert len(read(path)) == 2


def test_streams_are_given_back_when_the_last_holder_leaves(capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    borrowed = capture.Borrowed()
    before, handlers = sys.stdout, list(logging.getLogger().handlers)
    borrowed.take()
    borrowed.take()
    borrowed.give_back()
    assert isinstance(sys.stdout, capture.Output)
    print("outside of any attempt")
    borrowed.give_back()
    assert sys.stdout is before
    assert logging.getLogger().handlers == handlers
    assert capsys.readouterr().out == "outside of any attempt\n"


def test_a_stream_refuses_what_a_real_one_refuses(env: Environment) -> None:
    out = capture.Output("stdout", io.TextIOWrapper(io.BytesIO()))
    assert out.writable()
    assert out.encoding == "utf-8"
    made = attempt.Attempt(spec(node("nothing")), env)
    token = made.enter(exclusive=False)
    try:
        assert not out.isatty()
        with pytest.raises(TypeError, match="must be str"):
            out.write(b"bytes")  # type: ignore[arg-type]
    finally:
        made.leave(token, exclusive=False)


def raw_file(tmp_path: Path, data: bytes) -> int:
    path = tmp_path / "raw"
    path.write_bytes(data)
    return os.open(path, os.O_RDWR)


def test_raw_output_is_folded_up_to_the_last_line_end(tmp_path: Path) -> None:
    fd = raw_file(tmp_path, b"one\nfour\npart")
    log = Log(LogFile(str(tmp_path / "log")), Masker(["four"]))
    got = fold(fd, 0, log, "stdout", final=False)
    assert got == 9
    assert fold(fd, got, log, "stdout", final=True) == 13
    log.close()
    os.close(fd)
    assert [line["msg"] for line in read(tmp_path / "log")] == ["one", "***", "part"]


def test_raw_lines_longer_than_a_piece_are_folded_in_pieces(tmp_path: Path) -> None:
    fd = raw_file(tmp_path, b"x" * 2_500_000 + b"\n\xff\n")
    log = Log(LogFile(str(tmp_path / "log")), Masker())
    assert fold(fd, 0, log, "stdout", final=True) == 2_500_003
    log.close()
    os.close(fd)
    lines = read(tmp_path / "log")
    assert sum(len(line["msg"]) for line in lines[:-1]) == 2_500_000
    assert lines[-1]["msg"] == "�"


def test_what_a_dead_process_left_is_folded_into_its_last_log(tmp_path: Path) -> None:
    files = str(tmp_path / "w1")
    (tmp_path / "w1.out").write_bytes(b"of an earlier attempt\nlast words\nhunter2")
    (tmp_path / "w1.err").write_bytes(b"")
    state = State(f"{files}.state")
    state.write([22, 0], str(tmp_path / "log"))
    state.close()
    assert last_words(files) == ""
    assert has_rest(files)
    fold_what_is_left(files, Masker(["hunter2"]))
    assert [line["msg"] for line in read(tmp_path / "log")] == ["last words", "***"]
    assert not list(tmp_path.glob("w1.*"))
    fold_what_is_left(files, Masker())


def test_a_dead_process_that_left_nothing_leaves_no_files(tmp_path: Path) -> None:
    files = str(tmp_path / "w1")
    for ending in ("out", "err"):
        (tmp_path / f"w1.{ending}").write_bytes(b"all folded")
    state = State(f"{files}.state")
    state.write([10, 10], str(tmp_path / "log"))
    state.close()
    assert not has_rest(files)
    assert not list(tmp_path.iterdir())
    assert not has_rest(files)


def test_a_process_that_died_outside_of_an_attempt_says_why(tmp_path: Path) -> None:
    files = str(tmp_path / "w1")
    (tmp_path / "w1.err").write_text("no such folder\n")
    assert last_words(files) == "no such folder"
    state = State(f"{files}.state")
    state.write([0, 0], "")
    assert last_words(files) == "no such folder"
    state.write([0, 0], "/" + "x" * 10_000)
    assert state.read() == ([0, 0], "")
    state.close()


def test_the_head_of_a_file_can_be_given_back(tmp_path: Path) -> None:
    from toque.worker import linux

    fd = raw_file(tmp_path, b"x" * 4_000_000)
    os.fsync(fd)
    before = os.fstat(fd)
    linux.free_head(fd, 3_000_000)
    after = os.fstat(fd)
    assert after.st_size == before.st_size
    assert os.pread(fd, 10, 3_999_990) == b"x" * 10
    if after.st_blocks != before.st_blocks:  # not every file system can
        assert after.st_blocks < before.st_blocks
    os.close(fd)
