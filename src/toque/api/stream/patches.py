"""Patches as bytes, and the events that carry them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

import msgspec
from pydantic import BaseModel

from toque.api import bulk

Kind: TypeAlias = Literal[
    "runs",
    "nodes",
    "tasks",
    "signals",
    "logs",
    "ticks",
    "steps",
    "attention",
    "assets",
    "asset_nodes",
    "asset",
    "asset_slices",
    "asset_events",
    "reset",
]

HEARTBEAT = b": still here\n\n"
_quote = msgspec.json.Encoder().encode


def encoded(row: BaseModel | msgspec.Struct) -> bytes:
    """A row as the routes answer it."""
    return bulk.encoded(row) if isinstance(row, msgspec.Struct) else row.model_dump_json(by_alias=True).encode()


def tagged(what: str, row: bytes) -> bytes:
    """A row of a reset says what it is."""
    return b'{"row":' + _quote(what) + b"," + row[1:]


def patch(topic: str, kind: Kind, rows: bytes) -> bytes:
    """`rows`: the inside of a JSON list."""
    return b'{"topic":' + _quote(topic) + b',"kind":"' + kind.encode() + b'","data":[' + rows + b"]}"


def reset(topic: str, rows: Iterable[bytes]) -> bytes:
    """The whole state of a topic."""
    return patch(topic, "reset", b",".join(rows))


def event(patches: Sequence[bytes], cursor: bytes) -> bytes:
    """One event: a patch, or a list of them."""
    data = patches[0] if len(patches) == 1 else b"[" + b",".join(patches) + b"]"
    return b"id: " + cursor + b"\nevent: patch\ndata: " + data + b"\n\n"


def hello(instance: str, boot: int, now_us: int) -> bytes:
    """The first event. It has no id: nothing was sent yet."""
    return b"event: hello\ndata: " + _quote({"instance": instance, "boot": boot, "now_us": now_us}) + b"\n\n"
