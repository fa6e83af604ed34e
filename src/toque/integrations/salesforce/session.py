"""Logging in to Salesforce, by the real `simple-salesforce`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from toque.errors import TransientError, UserError
from toque.integrations.patience import Unanswered

VERSION = "59.0"


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of a connection of type `salesforce`. Either a user with password and token, or a client with its secret."""

    url: str = "https://login.salesforce.com"
    """Where to log in: the domain of the organisation, as in `https://acme.my.salesforce.com`."""
    username: str = ""
    password: str = ""
    security_token: str = ""
    client_id: str = ""
    client_secret: str = ""
    version: str = VERSION
    ca_file: str = ""
    """Whom to trust, if not the authorities of this machine."""
    timeout_s: float = 120.0

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Options:
        """Raises `UserError` for what no connection has."""
        try:
            given = msgspec.convert(dict(options), cls)
        except msgspec.ValidationError as error:
            raise UserError(f"the connection to Salesforce: {error}") from error
        if not (given.username and given.password) and not (given.client_id and given.client_secret):
            raise UserError(
                "the connection to Salesforce has nobody to log in as",
                fix="username, password and security_token, or client_id and client_secret",
            )
        return given


@dataclass(frozen=True)
class Session:
    """A session that was opened."""

    http: Any
    """A `requests.Session`."""
    token: str
    root: str
    """Of the organisation's instance: `https://acme.my.salesforce.com`."""


def log_in(options: Options) -> Session:
    """A new session. Raises `UserError` when Salesforce refuses, `TransientError` when it cannot be reached."""
    try:
        import requests
        from simple_salesforce.exceptions import SalesforceAuthenticationFailed
        from simple_salesforce.login import SalesforceLogin, token_login
    except ImportError as error:
        raise UserError("Salesforce needs its client", fix="pip install 'toque[salesforce]'") from error

    http = requests.Session()
    http.trust_env = False  # neither proxies nor passwords that somebody left on this machine
    http.verify = options.ca_file or True
    _always_in_time(http, options.timeout_s)
    url = options.url.rstrip("/")
    try:
        if options.client_id:
            form = {"client_id": options.client_id, "client_secret": options.client_secret}
            form |= {"grant_type": "client_credentials"}
            if options.username:
                password = options.password + options.security_token
                form |= {"grant_type": "password", "username": options.username, "password": password}
            token, instance = token_login(f"{url}/services/oauth2/token", form, url, options.client_id, None, {}, http)
        else:
            token, instance = SalesforceLogin(
                username=options.username,
                password=options.password,
                security_token=options.security_token,
                sf_version=options.version,
                scratch_url=url,
                session=http,
            )
    except SalesforceAuthenticationFailed as error:
        raise UserError(f"Salesforce refuses the login at {url}: {error}") from error
    except requests.exceptions.SSLError as error:
        raise UserError(f"{url} shows a certificate that is not trusted: {error}", fix='ca_file = "…"') from error
    except requests.exceptions.RequestException as error:
        raise Unanswered(f"Salesforce cannot be reached at {url}: {error}") from error
    return Session(http, token, f"https://{instance}")


def _always_in_time(http: Any, timeout_s: float) -> None:
    """`simple-salesforce` logs in without a timeout: a silent server would hold the worker for ever."""
    send = http.send

    def timed(request: Any, **settings: Any) -> Any:
        settings["timeout"] = settings.get("timeout") or (10.0, timeout_s)
        return send(request, **settings)

    http.send = timed


class Refused(UserError):
    """Salesforce understood and says no. `code` is its word for it."""

    def __init__(self, message: str, code: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.status = status

    def __reduce__(self) -> tuple[Any, ...]:
        return (Refused, (self.message, self.code, self.status))


class Busy(TransientError):
    """Salesforce says: not now. Nothing was done."""
