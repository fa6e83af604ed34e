"""Credentials, renewals, waits and refusals of the HTTP client."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from toque.errors import TransientError, UserError
from toque.integrations.http.auth import AnyAuth, ApiKey, Basic, Bearer, ClientCredentials
from toque.integrations.http.client import HttpClient, HttpOptions, Refused
from toque.integrations.patience import Patience, Unanswered

Handler = Callable[[httpx.Request], httpx.Response]


def client(handler: Handler, auth: AnyAuth | None = None, naps: list[float] | None = None, **more: Any) -> HttpClient:
    patience = Patience(tries=3, sleep=(naps if naps is not None else []).append)
    options = HttpOptions(url="https://api.example/v1", auth=auth, **more)
    return HttpClient(options, patience, transport=httpx.MockTransport(handler))


def echo(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"url": str(request.url), "headers": dict(request.headers)})


@pytest.mark.parametrize(
    ("auth", "name", "value"),
    [
        (Bearer("t"), "authorization", "Bearer t"),
        (Basic("ada", "pw"), "authorization", "Basic " + base64.b64encode(b"ada:pw").decode()),
        (ApiKey("k", header="X-Key"), "x-key", "k"),
    ],
)
def test_credentials_are_sent(auth: AnyAuth, name: str, value: str) -> None:
    with client(echo, auth, headers={"X-Own": "1"}) as opened:
        told = opened.request("GET", "things").json()
    assert (told["headers"][name], told["headers"]["x-own"]) == (value, "1")


def test_a_key_can_be_part_of_the_query() -> None:
    told = client(echo, ApiKey("k", query="key")).request("GET", "things", params={"a": "1"}).json()
    assert told["url"] == "https://api.example/v1/things?a=1&key=k"


def test_paths_are_below_the_connection_and_addresses_must_be_its_own() -> None:
    opened = client(echo)
    assert opened.address("things") == opened.address("/things") == "https://api.example/v1/things"
    assert opened.address("/v1/things") == "https://api.example/v1/things"
    assert opened.address("https://api.example/other") == "https://api.example/other"
    with pytest.raises(UserError, match=r"not at api\.example"):
        opened.address("https://evil.example/")


def test_tokens_are_fetched_and_fetched_again_when_they_expire() -> None:
    fetched: list[bytes] = []

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            fetched.append(request.content)
            return httpx.Response(200, json={"access_token": f"t{len(fetched)}"})
        is_current = request.headers["authorization"] == "Bearer t2"
        return httpx.Response(200 if is_current else 401)

    auth = ClientCredentials("https://login.example/token", "id", "secret", scope="read")
    opened = client(handler, auth)
    assert opened.request("GET", "things").status_code == 200
    assert opened.request("GET", "things").status_code == 200
    assert [b"scope=read" in each for each in fetched] == [True, True]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(400, json={"error": "invalid_client"}), UserError),
        (httpx.Response(200, text="nothing"), UserError),
        (httpx.Response(503, headers={"Retry-After": "300"}), TransientError),
    ],
)
def test_a_token_that_cannot_be_had_is_said(answer: httpx.Response, error: type[Exception]) -> None:
    auth = ClientCredentials("https://login.example/token", "id", "secret")
    with pytest.raises(error, match="token"):
        client(lambda _: answer, auth).request("GET", "things")


def test_it_waits_and_asks_again() -> None:
    naps: list[float] = []
    answers = [httpx.Response(429, headers={"Retry-After": "4"}), httpx.Response(502), httpx.Response(200)]
    assert client(lambda _: answers.pop(0), naps=naps).request("GET", "things").status_code == 200
    assert naps == [4, 2]


def cut(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("cut", request=request)


def test_what_may_have_been_done_is_not_asked_twice() -> None:
    naps: list[float] = []
    with pytest.raises(Unanswered):
        client(cut, naps=naps).request("POST", "things")
    assert naps == []
    with pytest.raises(Unanswered):
        client(cut, naps=naps).request("PUT", "things")
    assert naps == [1, 2]


def test_a_refusal_carries_the_answer_over_a_process_border() -> None:
    with pytest.raises(Refused, match="GET /v1/things: 422 no such field") as caught:
        client(lambda _: httpx.Response(422, text="no such field")).request("GET", "things")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.status, copy.content) == (422, "no such field")


def test_a_key_does_not_follow_a_redirect_to_another_server() -> None:
    def away(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "api.example"
        return httpx.Response(302, headers={"Location": "https://evil.example/"})

    with pytest.raises(Refused, match="302"):
        client(away, ApiKey("k")).request("GET", "things")


@pytest.mark.parametrize("wrong", [{}, {"url": "ftp://x"}, {"url": "https://x", "auth": {"auth": "none"}}])
def test_options_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        HttpOptions.of(wrong)


def test_options_come_from_plain_values() -> None:
    given = {"url": "https://x", "auth": {"auth": "basic", "username": "ada", "password": "pw"}}
    assert HttpOptions.of(given).auth == Basic("ada", "pw")
