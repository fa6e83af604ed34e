"""Requests to Salesforce: sessions that are renewed, waits that are kept, errors that say what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from toque.integrations.patience import BUSY, UNSURE, Patience, Unanswered, retry_after
from toque.integrations.salesforce.session import Busy, Options, Refused, Session, log_in

_LIMIT = "REQUEST_LIMIT_EXCEEDED"


class SalesforceClient:
    """One organisation. Logs in when it is first asked something; not for several threads at once."""

    def __init__(self, options: Options | Mapping[str, Any], patience: Patience | None = None) -> None:
        self.options = options if isinstance(options, Options) else Options.of(options)
        self.patience = patience or Patience()
        self._session: Session | None = None
        self._described: dict[str, dict[str, dict[str, Any]]] = {}

    def request(
        self,
        method: str,
        path: str,
        *,
        is_repeatable: bool = True,
        **more: Any,
    ) -> Any:
        """The answer (`requests.Response`) to a request below `/services/data/vNN.N/`, or to a path from the root.

        Waits and asks again while Salesforce is busy; logs in again when the session has expired. Raises `Refused`,
        and `TransientError` when patience is over: an `Unanswered` one when it may have been done.
        """
        return self.patience.ask(lambda: self._once(method, path, more), is_repeatable=is_repeatable)

    def json(self, method: str, path: str, **more: Any) -> Any:
        """The content of an answer."""
        return self.request(method, path, **more).json()

    def pages(self, soql: str, *, deleted: bool = False, size: int = 2_000) -> Iterator[list[dict[str, Any]]]:
        """The records of a query, page by page; `deleted` has those in the recycle bin too."""
        headers = {"Sforce-Query-Options": f"batchSize={size}"}
        answer = self.json("GET", "queryAll" if deleted else "query", params={"q": soql}, headers=headers)
        while True:
            yield answer["records"]
            if answer["done"]:
                return
            answer = self.json("GET", answer["nextRecordsUrl"])

    def count(self, soql: str, *, deleted: bool = False) -> int:
        """How many records a `SELECT COUNT()` finds."""
        answer = self.json("GET", "queryAll" if deleted else "query", params={"q": soql})
        return int(answer["totalSize"])

    def fields(self, name: str) -> dict[str, dict[str, Any]]:
        """What the organisation tells of an object's fields, by name."""
        if name not in self._described:
            answer = self.json("GET", f"sobjects/{name}/describe")
            self._described[name] = {field["name"]: field for field in answer["fields"]}
        return self._described[name]

    def probe(self) -> str:
        """One line about the organisation."""
        left = self.json("GET", "limits")["DailyApiRequests"]
        return f"{self.session.root}: {left['Remaining']} of {left['Max']} calls are left today"

    @property
    def session(self) -> Session:
        """The current one."""
        if self._session is None:
            self._session = log_in(self.options)
        return self._session

    def close(self) -> None:
        """Give the connections back. The session stays valid: others may share it."""
        if self._session is not None:
            self._session.http.close()
            self._session = None

    def __enter__(self) -> SalesforceClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def root(self) -> str:
        """What the paths of the API begin with."""
        return f"/services/data/v{self.options.version}/"

    def _once(self, method: str, path: str, more: dict[str, Any]) -> Any:
        answer = self._sent(method, path, more)
        if answer.status_code == 401:
            # Sessions end when they were idle, and when somebody ends them. Once: then the login itself is at fault.
            self.close()
            answer = self._sent(method, path, more)
        if answer.status_code < 300:
            return answer
        code, message = _error(answer)
        where = f"{method} {urlsplit(answer.url).path}: {answer.status_code} {code} {message}".rstrip()
        if answer.status_code in UNSURE:
            raise Unanswered(f"Salesforce gave no answer: {where}", retry_after_s=_pause(answer))
        if answer.status_code in BUSY or code == _LIMIT:
            raise Busy(f"Salesforce is busy: {where}", retry_after_s=_pause(answer))
        raise Refused(f"Salesforce refuses {where}", code, answer.status_code)

    def _sent(self, method: str, path: str, more: dict[str, Any]) -> Any:
        import requests

        session = self.session
        url = session.root + (path if path.startswith("/") else self.root + path)
        headers = {"Authorization": f"Bearer {session.token}", **more.get("headers", {})}
        try:
            return session.http.request(method, url, **{**more, "headers": headers})
        except requests.exceptions.RequestException as error:
            raise Unanswered(f"{method} {path}: the connection to Salesforce broke: {error}") from error


def _pause(answer: Any) -> float | None:
    return retry_after(answer.headers.get("Retry-After"))


def _error(answer: Any) -> tuple[str, str]:
    try:
        content = answer.json()
        first = content[0] if isinstance(content, list) else content
        return str(first.get("errorCode", first.get("error", ""))), str(first.get("message", ""))
    except (ValueError, LookupError, AttributeError):
        return "", str(answer.text)[:200]
