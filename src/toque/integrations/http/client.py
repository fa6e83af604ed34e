"""Requests to an HTTP API: tokens that are renewed, waits that are kept, errors that say what they mean."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from toque.errors import TransientError, UserError
from toque.integrations.http.auth import AnyAuth, ApiKey, Basic, Bearer, ClientCredentials
from toque.integrations.patience import BUSY, UNSURE, Patience, Unanswered, retry_after


class HttpOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of a connection of type `http`."""

    url: str
    """What paths are relative to."""
    headers: dict[str, str] = {}
    auth: AnyAuth | None = None
    timeout_s: float = 60.0
    ca_file: str = ""
    """Whom to trust, if not the authorities of this machine."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> HttpOptions:
        """Raises `UserError` for what no connection has."""
        try:
            given = msgspec.convert(dict(options), cls)
        except msgspec.ValidationError as error:
            raise UserError(f"the connection by HTTP: {error}") from error
        if not given.url.startswith(("http://", "https://")):
            raise UserError(f"{given.url!r} is no address of an HTTP server")
        return given


class Refused(UserError):
    """The server understood and says no. `status` and `content` are its answer."""

    def __init__(self, message: str, status: int = 0, content: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.content = content

    def __reduce__(self) -> tuple[Any, ...]:
        return (Refused, (self.message, self.status, self.content))


class HttpClient:
    """One API. Not for several threads at once."""

    def __init__(
        self,
        options: HttpOptions | Mapping[str, Any],
        patience: Patience | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.options = options if isinstance(options, HttpOptions) else HttpOptions.of(options)
        self.patience = patience or Patience()
        self._token = ""
        verify: Any = True
        if self.options.ca_file:
            import ssl

            verify = ssl.create_default_context(cafile=self.options.ca_file)
        self._http = httpx.Client(
            timeout=self.options.timeout_s,
            verify=verify,
            transport=transport,
            trust_env=False,
            # httpx keeps an `Authorization` from the server that it is redirected to, but no header of another name.
            follow_redirects=not isinstance(self.options.auth, ApiKey),
        )

    def request(self, method: str, url: str, *, is_repeatable: bool | None = None, **more: Any) -> httpx.Response:
        """The answer to a request of a path below the connection's url, or of an address.

        Waits and asks again while the server is busy, and after a broken connection if that does no harm (None: for
        all methods but POST and PATCH). Raises `Refused`, and `TransientError` when patience is over.
        """
        if is_repeatable is None:
            is_repeatable = method not in ("POST", "PATCH")
        return self.patience.ask(lambda: self._once(method, url, more), is_repeatable=is_repeatable)

    def address(self, url: str) -> str:
        """A path as a whole address. Credentials are only ever sent to the server of the connection."""
        if "://" not in url:
            root = self.options.url.rstrip("/")
            # From the root of the server if it says so and the connection's own path is no part of it.
            parts = urlsplit(root)
            is_whole = url.startswith("/") and parts.path and url.startswith(parts.path + "/")
            return f"{parts.scheme}://{parts.netloc}{url}" if is_whole else f"{root}/{url.lstrip('/')}"
        given, own = urlsplit(url), urlsplit(self.options.url)
        if (given.scheme, given.netloc) != (own.scheme, own.netloc):
            raise UserError(f"{url} is not at {own.netloc}: the credentials of the connection are not for it")
        return url

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _once(self, method: str, url: str, more: dict[str, Any]) -> httpx.Response:
        answer = self._sent(method, url, more)
        if answer.status_code == 401 and isinstance(self.options.auth, ClientCredentials):
            self._token = ""
            answer = self._sent(method, url, more)
        if answer.is_success:
            return answer
        text = answer.text[:500]
        where = f"{method} {urlsplit(str(answer.url)).path}: {answer.status_code} {text}".rstrip()
        pause = retry_after(answer.headers.get("Retry-After"))
        if answer.status_code in UNSURE:
            raise Unanswered(f"no answer to {where}", retry_after_s=pause)
        if answer.status_code in BUSY:
            raise TransientError(f"the server is busy: {where}", retry_after_s=pause)
        raise Refused(f"the server refuses {where}", answer.status_code, text)

    def _sent(self, method: str, url: str, more: dict[str, Any]) -> httpx.Response:
        headers, params, auth = self._credentials()
        headers = {**self.options.headers, **headers, **more.get("headers", {})}
        given = {**more, "headers": headers}
        if params or more.get("params"):
            given["params"] = {**(more.get("params") or {}), **params}
        try:
            return self._http.request(method, self.address(url), **given, **auth)
        except httpx.TransportError as error:
            raise Unanswered(f"{method} {url}: the connection broke: {error!r}") from error

    def _credentials(self) -> tuple[dict[str, str], dict[str, str], dict[str, Any]]:
        """Headers, parameters, and what httpx knows by itself."""
        match self.options.auth:
            case Bearer(token):
                return {"Authorization": f"Bearer {token}"}, {}, {}
            case Basic(username, password):
                return {}, {}, {"auth": (username, password)}
            case ApiKey(key, header, query):
                return ({}, {query: key}, {}) if query else ({header: key}, {}, {})
            case ClientCredentials() as client:
                self._token = self._token or self._fetched(client)
                return {"Authorization": f"Bearer {self._token}"}, {}, {}
            case _:
                return {}, {}, {}

    def _fetched(self, client: ClientCredentials) -> str:
        form = {"grant_type": "client_credentials", "client_id": client.client_id}
        form |= {"client_secret": client.client_secret, **({"scope": client.scope} if client.scope else {})}
        try:
            answer = self._http.post(client.token_url, data=form)
        except httpx.TransportError as error:
            raise Unanswered(f"no token from {client.token_url}: {error!r}") from error
        if answer.status_code in BUSY | UNSURE:
            pause = retry_after(answer.headers.get("Retry-After"))
            raise TransientError(f"no token from {client.token_url}: {answer.status_code}", retry_after_s=pause)
        with contextlib.suppress(ValueError, LookupError, TypeError):
            if answer.is_success:
                return str(answer.json()["access_token"])
        raise UserError(f"{client.token_url} gives no token: {answer.status_code} {answer.text[:200]}")
