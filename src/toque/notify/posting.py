"""Posting JSON, and what the answers mean: taken, later, or never."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from toque.ports.notifier import NotSent

TIMEOUT_S = 10.0
LATER = frozenset({408, 409, 423, 425, 429})
"""Refusals that heal."""
SAID_CHARACTERS = 200


async def post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Return once the receiver has taken it. Raises `NotSent`, which does not quote the address."""
    import httpx  # a project that tells nobody does not pay for it

    host = urlsplit(url).hostname or "?"
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False) as client:
            answer = await client.post(url, content=body, headers={"Content-Type": "application/json", **headers})
    except httpx.InvalidURL:
        raise NotSent("the url of the connection is none", permanent=True) from None
    except httpx.HTTPError as problem:
        # Without its cause: requests quote their address.
        raise NotSent(f"{host} cannot be reached: {type(problem).__name__}") from None
    if answer.is_success:
        return
    said = answer.text[:SAID_CHARACTERS].strip()
    raise NotSent(
        f"{host} answered {answer.status_code}{': ' if said else ''}{said}",
        permanent=answer.status_code < 500 and answer.status_code not in LATER,
        retry_after_s=wished_s(answer.headers.get("Retry-After", ""), datetime.now(UTC)),
    )


def wished_s(retry_after: str, now: datetime) -> float:
    """Seconds that a `Retry-After` asks for (RFC 9110, 10.2.3: a number or a date); 0 when it makes no sense.

    >>> wished_s("120", datetime(2026, 1, 1, tzinfo=UTC))
    120.0
    >>> wished_s("Thu, 01 Jan 2026 00:01:00 GMT", datetime(2026, 1, 1, tzinfo=UTC))
    60.0
    """
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - now).total_seconds())
    except (ValueError, TypeError):
        return 0.0
