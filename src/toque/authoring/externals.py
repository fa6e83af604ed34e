"""External assets: data that something else makes, and that a pipeline reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

from toque.authoring.assets import Source, checked_options
from toque.authoring.cutting import Partitions
from toque.authoring.freshness import Fresh
from toque.graph.freshness import AnomalyPolicy
from toque.worker.slices import IOManager


class ExternalOptions(TypedDict, total=False):
    """What is said of data that something else makes."""

    io: IOManager
    """How its values are kept, for what reads them."""
    partitions: Partitions
    """How it is cut."""
    group: str
    """What it is shown with."""
    owner: str
    """Who is asked when it is late or wrong."""
    doc: str
    """What people read about it."""
    tags: Sequence[str]
    """Words to find it by."""
    freshness: Fresh
    """How old its data may become before somebody is told."""
    anomalies: AnomalyPolicy
    """Whether its rows are compared with those of its past, as often as they are counted."""


def external(key: str, **options: Unpack[ExternalOptions]) -> Source[Any]:
    """Data that something else makes: it is known, read and observed, never made."""
    return Source(key, checked_options(options))
