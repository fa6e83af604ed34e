"""What the log of a failed attempt says in a message: its last lines, and the user's own frames of its traceback."""

from __future__ import annotations

import re
import sysconfig
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

LOG_LINES: Final = 10
FRAMES: Final = 5
LINE_CHARACTERS: Final = 300
TAIL_BYTES: Final = 64 * 1024
_FRAME: Final = re.compile(r'^\s*File "([^"]+)", line (\d+)(?:, in (.+))?$')
_BUNDLE: Final = re.compile(r"^.*/\.toque/bundles/[^/]+/")
_FOREIGN: Final = (
    str(Path(__file__).parents[1]) + "/",
    sysconfig.get_path("stdlib") + "/",
    "<",
)
"""Toque itself, the standard library, and what is in no file."""


class _Line(msgspec.Struct):
    """What is read of a line of a log; see `toque.worker.log`."""

    msg: str = ""
    stream: str = ""


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """Of one attempt."""

    lines: tuple[str, ...] = ()
    """The last ones that it wrote, without its traceback."""
    frames: tuple[str, ...] = ()
    """`shop.py:14 in load: raise ValueError(n)`, the innermost first."""


def logged(path: str) -> Logged:
    """What there is; nothing for a log that was written on another machine, or never: most tasks say nothing."""
    try:
        with Path(path).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL_BYTES))
            raw = file.read()
    except OSError:
        return Logged()
    lines: list[str] = []
    traceback = ""
    for encoded in raw.split(b"\n"):
        try:
            line = msgspec.json.decode(encoded, type=_Line)
        except msgspec.MsgspecError:
            continue  # cut in two, by a kill or by us
        if line.stream == "traceback":
            traceback = line.msg
        else:
            lines += line.msg.rstrip().split("\n")
    shown = [line[:LINE_CHARACTERS] for line in lines if line.strip()]
    return Logged(lines=tuple(shown[-LOG_LINES:]), frames=own_frames(traceback))


def own_frames(traceback: str) -> tuple[str, ...]:
    """The user's own frames of what was raised last; those of Toque and of libraries say nothing to them."""
    last = traceback.rpartition("Traceback (most recent call last):")[2].splitlines()
    found: list[str] = []
    for line, following in pairwise([*last, ""]):
        match = _FRAME.match(line)
        if match is None or match[1].startswith(_FOREIGN) or "/site-packages/" in match[1]:
            continue
        file, number, name = match.groups()
        where = f"{_BUNDLE.sub('', file)}:{number}"
        where += f" in {name}" if name and name != "<module>" else ""
        code = following.strip() if not _FRAME.match(following) else ""
        found.append(f"{where}: {code}"[:LINE_CHARACTERS] if code else where)
    return tuple(reversed(found[-FRAMES:]))
