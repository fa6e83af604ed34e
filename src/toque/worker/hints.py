"""What the author's annotations say, as far as they can be resolved."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Any


def of_parameter(function: Callable[..., Any], name: str) -> Any:
    """The annotation of a parameter; None when there is none, or its names are not to be had."""
    raw = inspect.unwrap(function)
    annotation = getattr(raw, "__annotations__", {}).get(name)
    if not isinstance(annotation, str):
        return annotation
    try:
        return typing.get_type_hints(raw).get(name)
    except Exception:  # another annotation of the function may name anything
        return None
