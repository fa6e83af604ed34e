"""`Stripe("billing")`: objects of an account, read as changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from toque.authoring import sites
from toque.authoring.endpoints import Rows
from toque.authoring.options import duration_s
from toque.authoring.supplies import Connection
from toque.durations import Duration
from toque.ports.sources import Source


class Stripe(Connection):
    """An account of Stripe: `type = "stripe"` and an `api_key` that may read."""

    def changes(self, name: str, *, lag: Duration = "5m", on_gap: Literal["list", "fail"] = "list") -> Rows:
        """What changed in a kind of object: `billing.changes("subscriptions")`. Stripe keeps its events for 30 days;
        `on_gap`: what happens when the last load is older."""
        from toque.integrations.stripe.objects import OBJECTS

        if name not in OBJECTS:
            raise sites.refuse(f"{name!r} of Stripe cannot be read.", fix=f"one of {', '.join(sorted(OBJECTS))}")
        return Rows(self, name, "changes", {"lag_s": int(duration_s("lag", lag) or 0), "on_gap": on_gap})

    @contextmanager
    def read_changes(self, key: str, path: str, **given: Any) -> Iterator[Source]:
        """See `toque.integrations.connections.opening`."""
        from toque.integrations.stripe.changes import StripeChanges, StripeSpec
        from toque.integrations.stripe.client import StripeClient

        with StripeClient(self.options) as client:
            yield StripeChanges(client, key, StripeSpec(object=path, **given))
