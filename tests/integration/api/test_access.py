"""Who is let in, and what is refused: each of these requests could come from a page that somebody else wrote."""

from __future__ import annotations

import pytest

from tests.integration.api.conftest import Answer, Server
from toque.client import Client

START = "/api/v1/pipelines/squares/runs"


def signed_in(server: Server) -> str:
    """The cookie that a printed URL gives."""
    url = server.client().sign_in_url()
    answer = server.send("GET", url.removeprefix(server.url), token=False)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    return answer.headers["set-cookie"].partition(";")[0]


def write(server: Server, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.send("POST", START, {}, token=False, headers=named)


@pytest.mark.parametrize("path", ["/session", "/runs", "/pipelines", "/system", "/stream?topics=home", "/nope"])
def test_nothing_is_told_without_a_token(server: Server, path: str) -> None:
    answer = server.send("GET", f"/api/v1{path}", token=False)
    assert (answer.status, answer.is_problem) == (401, True)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("given", ["Bearer wrong", "Bearer ", "Basic abc", "Bearer ünïcode"])
def test_a_wrong_token_is_refused(server: Server, given: str) -> None:
    answer = server.send("GET", "/api/v1/runs", token=False, headers={"Authorization": given.encode().decode("latin1")})
    assert answer.status == 401


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8787", "localhost.evil.example", ""])
def test_a_foreign_host_is_refused_even_with_the_token(server: Server, host: str) -> None:
    answer = server.send("GET", "/api/v1/runs", headers={"Host": host})
    assert (answer.status, answer.is_problem) == (421, True)
    assert server.send("GET", "/", token=False, headers={"Host": host}).status == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8787"])
def test_the_names_of_this_machine_are_answered(server: Server, host: str) -> None:
    assert server.send("GET", "/api/v1/runs", headers={"Host": host}).status == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"])
def test_a_foreign_origin_is_refused_even_with_the_token(server: Server, origin: str) -> None:
    answer = server.send("POST", START, {}, headers={"Origin": origin})
    assert (answer.status, answer.is_problem) == (403, True)
    assert server.send("GET", "/api/v1/runs", headers={"Origin": origin}).status == 403


def test_a_request_that_says_it_comes_from_another_site_is_refused(server: Server) -> None:
    assert server.send("GET", "/api/v1/runs", headers={"Sec-Fetch-Site": "cross-site"}).status == 403


def test_a_printed_url_signs_in_once(server: Server) -> None:
    path = server.client().sign_in_url().removeprefix(server.url)
    first = server.send("GET", path, token=False)
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    second = server.send("GET", path, token=False)
    assert "set-cookie" not in second.headers
    name = cookie.partition(";")[0]
    assert server.send("GET", "/api/v1/session", token=False, headers={"Cookie": name}).status == 200


def test_a_session_can_be_opened_with_a_key_or_the_token_and_with_nothing_else(server: Server) -> None:
    assert server.send("POST", "/api/v1/session", {"key": "guess"}, token=False).status == 401
    key = server.send("POST", "/api/v1/session/keys").json["key"]
    for good in (key, server.token):
        answer = server.send("POST", "/api/v1/session", {"key": good}, token=False)
        assert (answer.status, "set-cookie" in answer.headers) == (200, True)
    assert server.send("POST", "/api/v1/session", {"key": key}, token=False).status == 401
    assert "Max-Age=0" in server.send("DELETE", "/api/v1/session").headers["set-cookie"]


def test_a_write_by_cookie_needs_its_header_and_its_origin(server: Server) -> None:
    cookie = signed_in(server)
    assert write(server, Cookie=cookie).status == 403
    assert write(server, Cookie=cookie, X_Toque="1").status == 403
    assert write(server, Cookie=cookie, Origin=server.url).status == 403
    assert write(server, Cookie=cookie, X_Toque="1", Origin="https://evil.example").status == 403
    assert write(server, Cookie=cookie, X_Toque="1", Origin=server.url).status == 201
    assert write(server, Cookie=cookie, X_Toque="1", Sec_Fetch_Site="same-origin").status == 201


@pytest.mark.parametrize("forged", ["9999999999.00", "9999999999", "x.y", "", "9" * 40 + ".00"])
def test_a_forged_cookie_is_no_session(server: Server, forged: str) -> None:
    name = signed_in(server).partition("=")[0]
    answer = server.send("GET", "/api/v1/session", token=False, headers={"Cookie": f"{name}={forged}"})
    assert answer.status == 401


def test_browsers_are_told_to_run_nothing_but_the_ui(server: Server) -> None:
    for path in ("/", "/api/v1/runs", "/healthz", "/static/nope.js"):
        headers = server.send("GET", path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    assert server.send("GET", "/api/v1/runs").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/../toque.toml", "/..%2f..%2ftoque.toml", "/static/../../errors.py", "/%2e%2e/access.py"]
)
def test_no_path_leads_out_of_the_ui(server: Server, path: str) -> None:
    answer = server.send("GET", path)
    assert b"scarce" not in answer.body
    assert b"class Access" not in answer.body


def test_too_much_and_nonsense_are_refused_as_problems(server: Server) -> None:
    large = server.send("POST", START, b"", headers={"Content-Length": str(10**9)})
    assert (large.status, large.is_problem) == (413, True)
    for body in (b"{", b"[]", b'{"parameters": 1}', b'{"nope": 1}', b"\xff"):
        answer = server.send("POST", START, body)
        assert answer.status in (400, 422), body
        assert answer.is_problem, body
    assert server.send("GET", "/api/v1/runs?search=%00").status == 400
    assert server.send("POST", START, {"reason": "a\0b"}).status == 422
    assert server.send("POST", START, b'{"reason": "\\ud800"}').status == 422
    for path in ("/api/v1/nope", "/api/nope"):
        assert server.send("GET", path).is_problem
    assert server.send("PUT", "/api/v1/runs", {}).is_problem


def test_unknown_query_parameters_are_refused_since_they_would_do_nothing(server: Server) -> None:
    answer = server.send("GET", "/api/v1/runs?stat=failed")
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, "query.stat")


def test_the_token_is_for_nobody_else_to_read(server: Server) -> None:
    for name in ("token", "server.json"):
        assert (server.project.root / ".toque" / name).stat().st_mode & 0o077 == 0


def test_an_address_that_others_reach_wants_a_token_that_somebody_knows(client: Client, server: Server) -> None:
    (server.project.root.parent / "other").mkdir(exist_ok=True)
    refused = server.project.toque(
        "server", "--host", "0.0.0.0", "--project", str(server.project.root.parent / "other")
    )
    assert (refused.code, "toque token" in refused.err) == (2, True)


def test_a_taken_port_is_said(server: Server) -> None:
    port = server.address.rpartition(":")[2]
    (server.project.root.parent / "third").mkdir(exist_ok=True)
    refused = server.project.toque("server", "--port", port, "--project", str(server.project.root.parent / "third"))
    assert (refused.code, f":{port}" in refused.err, "--port" in refused.err) == (2, True, True)
