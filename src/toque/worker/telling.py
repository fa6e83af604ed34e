"""What user code says of data: that it was made, or what was seen of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

from toque.engine.assets import Materialized, Observed
from toque.errors import UserError
from toque.worker.context import Context, context
from toque.worker.instants import microseconds


class Keyed(Protocol):
    """An asset, or an endpoint of a connection that is one."""

    @property
    def key(self) -> str: ...


def materialized(
    asset: str | Keyed,
    *,
    rows: int | None = None,
    version: str = "",
    partition: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Say that the running task has made an asset by itself: `materialized("warehouse.raw.orders", rows=3)`.

    `version` is that of the content: what is made from the asset is stale when it changes. Without one, each task run
    that says so has made another.
    """
    here = context()
    event = Materialized(
        asset=_key(asset),
        partition=partition,
        data_version=version or here.idempotency_key,
        rows=rows,
        metadata=dict(metadata or {}),
    )
    here.tell(event)


def observe(
    asset: str | Keyed,
    *,
    rows: int | None = None,
    version: str = "",
    updated_at: datetime | None = None,
    partition: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Say what the running task has seen of an asset that something else makes: `observe("crm.Contact", rows=120)`.

    `updated_at` is when its content last changed, as its source says (UTC where it has no zone): how fresh it is.
    """
    event = Observed(
        asset=_key(asset),
        partition=partition,
        data_version=version,
        rows=rows,
        metadata=dict(metadata or {}),
        updated_us=microseconds(updated_at) if updated_at is not None else 0,
    )
    context().tell(event)


@contextmanager
def telling_must_not_fail(here: Context) -> Iterator[None]:
    """An attempt has failed already, and what is told of it must not hide why."""
    try:
        yield
    except Exception:
        here.logger.warning("what was done before the failure could not be told", exc_info=True)


def _key(asset: str | Keyed) -> str:
    key = asset if isinstance(asset, str) else getattr(asset, "key", None)
    if not isinstance(key, str) or not key:
        raise UserError(f"{asset!r} is no asset", fix='its key: "warehouse.raw.orders"')
    return key
