"""Values that are stored already, in place of themselves in the arguments of a flow's step: a flow hands on a result of
gigabytes without writing it again."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toque.engine.values import ValueRef
from toque.ports.blobs import Blobs
from toque.worker import values

_UNCHANGEABLE = frozenset({"pyarrow.lib.Table", "pyarrow.lib.RecordBatch"})
"""Of what is stored as a blob and can be told by identity, these alone cannot have been changed since."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Stands for a value."""

    ref: ValueRef


class HandedOn:
    """Results that a body was given, as long as it keeps them."""

    def __init__(self) -> None:
        self._refs: dict[int, tuple[weakref.ref[Any], ValueRef]] = {}

    def learn(self, value: Any, ref: ValueRef) -> None:
        """`value` is what `ref` stands for."""
        kind = type(value)
        if ref.blob is not None and f"{kind.__module__}.{kind.__qualname__}" in _UNCHANGEABLE:
            key = id(value)
            self._refs[key] = (weakref.ref(value, lambda gone: self._refs.pop(key, None)), ref)

    def args(self, args: Sequence[Any]) -> tuple[Any, ...]:
        """Arguments, each that is stored already replaced by `Stored`."""
        return tuple(self._short(value) for value in args)

    def kwargs(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The same by name."""
        return {name: self._short(value) for name, value in kwargs.items()}

    def _short(self, value: Any) -> Any:
        known = self._refs.get(id(value))
        return Stored(known[1]) if known is not None and known[0]() is value else value


def opened(payload: ValueRef, blobs: Blobs) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a step."""
    args, kwargs = values.decode(payload, blobs)
    return [_open(value, blobs) for value in args], {name: _open(value, blobs) for name, value in kwargs.items()}


def _open(value: Any, blobs: Blobs) -> Any:
    return values.decode(value.ref, blobs) if isinstance(value, Stored) else value
