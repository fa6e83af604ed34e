"""Reuse of earlier results: a small record in the blob store by the digest of code and inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from toque.engine.values import ValueRef
from toque.errors import UserError
from toque.graph.expr import AnyExpr
from toque.graph.ir import CachePolicy, TaskNode
from toque.ports.blobs import Blobs
from toque.ports.executor import AttemptSpec
from toque.worker import code, values

PREFIX = "cache/"


class Cached(msgspec.Struct, frozen=True, array_like=True):
    """What an earlier attempt left. Its value lies under `PREFIX` too, so that it outlives the run that made it."""

    result: ValueRef
    exports: tuple[bool | int | float | str | None, ...]
    lengths: tuple[int, ...]
    made_us: int
    made_by: str
    """Attempt id."""


def key_of(
    policy: CachePolicy,
    node: TaskNode,
    digest: Callable[[AnyExpr], str],
    arguments: Callable[[], tuple[tuple[Any, ...], dict[str, Any]]],
    payload: str = "",
) -> str:
    """Key of the record. The user's own key function decides alone what counts as the same input, but not which code
    is meant. `arguments` are evaluated for it only. `payload` is the digest of the arguments of a flow's step, which
    are not in the node."""
    if policy.key is not None:
        args, kwargs = arguments()
        answer = code.resolve(policy.key)(*args, **kwargs)
        if not isinstance(answer, str):
            raise UserError(f"the cache key function must return a str, not {type(answer).__qualname__}")
        parts = [b"key", answer.encode()]
    else:
        parts = [b"inputs", *(digest(expr).encode() for expr in node.args)]
        parts += [b"payload", payload.encode()] if payload else []
        parts += [f"{name}={digest(expr)}".encode() for name, expr in sorted(node.kwargs.items())]
    ref = node.code
    # What the server needs to know of the result is part of the record, so it is part of the key.
    shape = repr((node.exports, node.lengths)).encode()
    whole = values.digest(f"{ref.module}:{ref.qualname}:{ref.source_hash}".encode(), shape, *parts)
    return f"{PREFIX}{whole[:2]}/{whole[2:]}"


def look_up(blobs: Blobs, key: str, policy: CachePolicy, now_us: int) -> Cached | None:
    """The record under `key`, unless it has expired or its value is gone."""
    try:
        found = msgspec.msgpack.decode(blobs.get(key), type=Cached)
    except (KeyError, msgspec.DecodeError):
        return None
    if policy.expires_s is not None and now_us - found.made_us >= policy.expires_s * 1e6:
        return None
    if found.result.blob is not None:
        try:
            blobs.get_range(found.result.blob, 0, 1)
        except KeyError:
            return None
    return found


def put(blobs: Blobs, key: str, record: Cached) -> None:
    """Remember it; the last writer wins, and any of them is right."""
    blobs.put(key, [msgspec.msgpack.encode(record)])


def attempt_id(spec: AttemptSpec) -> str:
    """The attempt, for people and records: `run/task[1.2]#3`."""
    index = f"[{'.'.join(map(str, spec.map_index))}]" if spec.map_index else ""
    return f"{spec.run_id}/{spec.task}{index}#{spec.attempt}"
