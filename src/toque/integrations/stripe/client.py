"""Requests to Stripe by the real `stripe`: waits that are kept, errors that say what they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, TypeAlias

import msgspec

from toque.errors import TransientError, UserError
from toque.integrations.patience import BUSY, UNSURE, Patience, Unanswered, retry_after

Record: TypeAlias = dict[str, Any]


class StripeOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of a connection of type `stripe`."""

    api_key: str
    """A restricted key that may read is enough."""
    url: str = ""
    """"" is Stripe itself."""
    version: str = ""
    """Of the API, `2026-01-28.clover`; "" is the one that the installed `stripe` was made for."""
    account: str = ""
    """A connected account, `acct_…`."""


class Page(msgspec.Struct, frozen=True):
    """One page of a list."""

    records: list[Record]
    has_more: bool
    at_s: int
    """When Stripe answered, by its own clock: seconds since 1970."""


class StripeClient:
    """One account. Not for several threads at once."""

    def __init__(self, options: StripeOptions | Mapping[str, Any], patience: Patience | None = None) -> None:
        import stripe

        try:
            given = options if isinstance(options, StripeOptions) else msgspec.convert(dict(options), StripeOptions)
        except msgspec.ValidationError as error:
            raise UserError(f"the connection to Stripe: {error}") from error
        self.patience = patience or Patience()
        more: dict[str, Any] = {"base_addresses": {"api": given.url.rstrip("/")}} if given.url else {}
        # Repeating is ours, so that what Stripe asks for is waited for, and longer waits hold no worker.
        self._http = stripe.HTTPXClient(allow_sync_methods=True)
        self._stripe = stripe.StripeClient(
            given.api_key,
            stripe_version=given.version or None,
            stripe_account=given.account or None,
            max_network_retries=0,
            http_client=self._http,
            **more,
        )

    def page(self, path: str, **params: Any) -> Page:
        """One page of `GET /v1/<path>`. Raises `UserError`, and `TransientError` when patience is over."""
        answer = self.patience.ask(lambda: _told(lambda: self._stripe.raw_request("get", f"/v1/{path}", **params)))
        content = answer.data
        at = parsedate_to_datetime(answer.headers["Date"])
        return Page(list(content["data"]), bool(content["has_more"]), int(at.timestamp()))

    def probe(self) -> str:
        """Whose account this is: a request that costs nothing. Raises what any request does."""
        return f"answers: {len(self.page('customers', limit=1).records)} customer read"

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()  # type: ignore[no-untyped-call]

    def __enter__(self) -> StripeClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _told(question: Callable[[], Any]) -> Any:
    """The answer, or what Stripe's own errors mean for whoever asks again."""
    import stripe

    try:
        return question()
    except stripe.APIConnectionError as error:
        raise Unanswered(f"the connection to Stripe broke: {error}") from error
    except stripe.StripeError as error:
        pause = retry_after((error.headers or {}).get("Retry-After"))
        message = f"Stripe refuses: {error.http_status} {error}"
        if error.http_status in BUSY:
            raise TransientError(message, retry_after_s=pause) from error
        if error.http_status in UNSURE:
            raise Unanswered(message, retry_after_s=pause) from error
        fix = "check the connection's api_key and what it may read" if error.http_status in (401, 403) else ""
        raise UserError(message, fix=fix) from error
