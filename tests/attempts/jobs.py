"""User code that attempts of the tests run. Nothing here sleeps: what must wait waits for a FIFO or for ever."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Sequence
from typing import Any

from toque.errors import DataError, TransientError, UserError
from toque.worker.context import Interval, artifact, context, metric, progress
from toque.worker.control import NotYet, Skip
from toque.worker.hosting import members


def nothing() -> None:
    return None


def echo(value: Any) -> Any:
    return value


def add(left: int, right: int = 0) -> int:
    return left + right


async def echo_async(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


def kinds() -> Any:
    return {"pair": (1, 2), "by_number": {1: "one", 2: "two"}, "text": "ü"}


def kinds_are_kept(value: Any) -> bool:
    return value == kinds() and type(value["pair"]) is tuple and type(next(iter(value["by_number"]))) is int


def fail(kind: str = "ValueError") -> None:
    errors: dict[str, Exception] = {
        "ValueError": ValueError("no such month: 13"),
        "TransientError": TransientError("busy", retry_after_s=7.0),
        "DataError": DataError("two nulls", sample=[{"id": 1, "name": None}]),
        "UserError": UserError("wrong", fix="do it right"),
        "ConnectionError": ConnectionResetError("gone"),
        "ImportError": ImportError("no module named nothing"),
    }
    raise errors[kind]


def skip() -> None:
    raise Skip("nothing new")


def not_yet() -> str:
    if context().handle is None:
        raise NotYet("30s", handle={"job": 17})
    return f"{context().handle['job']} after {context().deferrals}"


def speak() -> None:
    print("from print")
    sys.stderr.write("from stderr\n")
    logging.getLogger("shop").info("from logging")
    warnings.warn("from warnings", stacklevel=1)
    print("no line end", end="")


def speak_from_outside() -> None:
    """Through the file descriptors: a child process and bytes written past `sys.stdout`."""
    subprocess.run(["/bin/sh", "-c", "echo from a child; echo its error >&2"], check=True)
    os.write(1, b"from write(2)\n")


def speak_from_thread() -> None:
    thread = threading.Thread(target=lambda: print("from a thread", context().task))
    thread.start()
    thread.join()


def about_me() -> dict[str, Any]:
    here = context()
    return {
        "run_id": here.run_id,
        "task": here.task,
        "map_index": here.map_index,
        "attempt": here.attempt,
        "key": here.idempotency_key,
        "partition": here.partition_key,
        "logical": here.logical_time.isoformat(),
        "interval": [moment.isoformat() for moment in here.interval],
        "parameters": dict(here.parameters),
    }


def signals() -> None:
    for done in range(100):
        progress(done + 1, 100)
    metric("rows", 336_776)
    artifact("note", "# Done", kind="markdown")


def span(window: Interval) -> str:
    return window.start.date().isoformat()


def pid() -> int:
    return os.getpid()


def wait_for(fifo: str) -> str:
    """Until somebody opens the FIFO for writing."""
    with open(fifo) as file:
        return file.read()


def announce_and_wait(announced: str, fifo: str) -> str:
    with open(announced, "w") as file:
        file.write(str(os.getpid()))
    return wait_for(fifo)


async def wait_forever() -> None:
    await asyncio.Event().wait()


async def block_the_loop(fifo: str) -> None:
    wait_for(fifo)


def heed(announced: str, fifo: str) -> None:
    """Cleans up when it is cancelled."""
    try:
        announce_and_wait(announced, fifo)
    finally:
        print("cleaned up")


def ignore_cancel(announced: str, fifo: str) -> None:
    try:
        announce_and_wait(announced, fifo)
    except BaseException:
        wait_for(fifo)


def backtrack() -> None:
    """Holds the GIL for longer than anybody will wait."""
    print("matching")
    re.match(r"(a+)+$", "a" * 40 + "b")


def import_duckdb() -> None:
    import duckdb

    duckdb.sql("select 1").fetchall()


def long_query() -> None:
    import duckdb

    print("querying")
    duckdb.sql("select sum(a.range * b.range) from range(1000000000) a, range(1000000000) b").fetchall()


def leave_children(announced: str) -> None:
    """A child in the group of the worker, and one in a group of its own."""
    near = subprocess.Popen(["sleep", "1000"])
    far = subprocess.Popen(["sleep", "1000"], process_group=0)
    with open(announced, "w") as file:
        file.write(f"{os.getpid()} {near.pid} {far.pid}")
    while True:
        time.sleep(1000)


def die(signo: int) -> None:
    print("last words")
    os.write(1, b"raw last words\n")
    os.kill(os.getpid(), signo)


def exit_hard(code: int) -> None:
    os._exit(code)


def hold_memory(size_bytes: int, fifo: str) -> None:
    held = bytearray(size_bytes)
    held[::4096] = b"x" * len(held[::4096])
    wait_for(fifo)


def unpicklable() -> Any:
    return {"rows": [1, 2], "lock": [threading.Lock()]}


def numbers(count: int) -> list[int]:
    return list(range(count))


def yields(count: int) -> Any:
    yield from range(count)


def total(parts: Sequence[int]) -> int:
    return sum(parts)


def is_list(parts: list[int]) -> bool:
    return type(parts) is list


def big_result(size_bytes: int) -> bytes:
    return b"\0" * size_bytes


def flood(lines: int, width: int) -> None:
    text = "x" * width
    for _ in range(lines):
        print(text)


def secret_in_print(value: str) -> None:
    print(f"the password is {value}")
    raise ValueError(f"bad password {value}")


def perhaps(what: str, argument: Any = None) -> Any:
    """Short most of the time, so that workers are given several at once."""
    actions = {"nothing": nothing, "die": die, "wait": wait_for, "match": backtrack}
    return actions[what](*([] if argument is None else [argument]))


def speak_then_wait(fifo: str) -> None:
    print("printed")
    os.write(1, b"written\n")
    wait_for(fifo)


def print_in_c(text: str) -> None:
    import ctypes

    ctypes.CDLL(None).printf(b"%s\n", text.encode())


def use_opened(thing: list[str]) -> list[str]:
    thing.append("used")
    return list(thing)


class Opened:
    """A resource by hand: what `@resource` makes."""

    __toque_scope__ = "worker"
    __toque_inject__: dict[str, Any] = {}

    def __toque_open__(self) -> Any:
        opened = ["opened"]
        yield opened
        with open(os.environ["TOQUE_TEST_CLOSED"], "a") as file:
            file.write(",".join(opened) + "\n")


opened = Opened()


def spin(announced: str) -> None:
    """Never ends, and never leaves Python."""
    with open(announced, "w") as file:
        file.write("spinning")
    while True:
        pass


def first_letter(value: str) -> str:
    return value[0]


def go_to_root() -> str:
    os.chdir("/")
    return os.getcwd()


def where_am_i() -> str:
    return os.getcwd()


def say_good_bye(path: str) -> None:
    import atexit

    def write() -> None:
        with open(path, "w") as file:
            file.write("good-bye")

    atexit.register(write)


def talk_nonsense() -> None:
    """Write what is no message into each connection of this process, and stay."""
    for name in os.listdir("/proc/self/fd"):
        try:
            with socket.socket(fileno=os.dup(int(name))) as found:
                found.sendall(b"\x03\x00\x00\x00\xc1\xc1\xc1")
        except OSError:
            continue
    signal.pause()


def count_to(number: int) -> int:
    return sum(range(number))


def host(*spoiled: str, from_thread: bool = False) -> tuple[str, ...]:
    """Runs the tasks that it hosts, one after the other."""
    hosted = members()

    def run_all() -> None:
        for name in hosted.pending:
            hosted.started(name)
            hosted.log(name, f"at {name}")
            if name in spoiled:
                hosted.failed(name, "gone off", kind="data", sample=[{"n": n} for n in range(9)])
            else:
                hosted.succeeded(name, f"{name} is done")

    if from_thread:
        thread = threading.Thread(target=run_all)
        thread.start()
        thread.join()
    else:
        run_all()
    return hosted.pending


def host_that_dies(name: str) -> None:
    """Finishes one task, and the process is gone."""
    members().succeeded(name)
    os.kill(os.getpid(), signal.SIGKILL)


def host_that_says_nonsense() -> list[str]:
    """What it is told."""
    hosted = members()
    (name,) = hosted.pending
    hosted.skipped(name, "nothing new")
    said = []
    for again in (name, "a stranger"):
        try:
            hosted.started(again)
        except UserError as error:
            said.append(error.message)
    return said


kept: list[Any] = []


def host_that_is_kept() -> None:
    """Reports nothing, and lets something else hold on to what it could report by."""
    kept.append(members())
