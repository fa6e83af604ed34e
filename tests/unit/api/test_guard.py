"""The guard lets in who may ask, and nobody else; each refusal is a problem with a way out."""

from __future__ import annotations

import pytest

from tests.unit.api.asgi import Clock, Echo, Said, ask
from toque.api.access import Access
from toque.api.guard import MAX_BODY_BYTES, Guard, names_of

HOST = {"Host": "127.0.0.1:8787"}
TOKEN = {**HOST, "Authorization": "Bearer secret"}
PATH = "/api/v1/runs"


def guarded(app: Echo | None = None, **fields: object) -> tuple[Guard, Access, Echo]:
    echo = app or Echo()
    access = Access("secret", actor="ada", **fields)  # type: ignore[arg-type]
    return Guard(echo, access, Clock()), access, echo


async def status(headers: dict[str, str], *, method: str = "GET", path: str = PATH, query: str = "") -> int:
    guard, _, _ = guarded()
    return (await ask(guard, method, path, headers=headers, query=query)).status


async def test_the_token_lets_in_and_names_the_owner() -> None:
    guard, _, echo = guarded()
    assert (await ask(guard, path=PATH, headers=TOKEN)).status == 200
    assert echo.actors == ["ada"]


async def test_who_holds_the_token_may_say_for_whom() -> None:
    guard, _, echo = guarded()
    await ask(guard, path=PATH, headers={**TOKEN, "X-Toque-Actor": "grace"})
    assert echo.actors == ["grace"]


async def test_without_a_token_nothing_of_the_api_is_reached_but_signing_in() -> None:
    assert await status(HOST) == 401
    assert await status({**HOST, "Authorization": "Bearer wrong"}) == 401
    assert await status({**HOST, "Authorization": "Basic secret"}) == 401
    assert await status(HOST, method="POST", path="/api/v1/session") == 200
    assert await status(HOST, path="/api/v1/session") == 401
    assert await status(HOST, path="/api/v1/openapi.json") == 200


async def test_pages_and_health_need_no_token() -> None:
    for path in ("/", "/runs/1", "/healthz", "/static/index.js"):
        assert await status(HOST, path=path) == 200


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "10.1.2.3", "LocalHost"])
@pytest.mark.parametrize("port", ["", ":8787"])
async def test_addresses_and_localhost_are_answered(name: str, port: str) -> None:
    assert await status({**TOKEN, "Host": name + port}) == 200


@pytest.mark.parametrize(
    "name", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", ":80", "[::1"]
)
async def test_other_names_are_misdirected(name: str) -> None:
    assert await status({**TOKEN, "Host": name}) == 421
    assert await status({"Host": name}, path="/") == 421


async def test_a_name_that_the_server_was_told_is_its_own() -> None:
    guard, _, _ = guarded(hosts=names_of(["Toque.example", "0.0.0.0"]))
    assert (await ask(guard, path=PATH, headers={**TOKEN, "Host": "toque.example"})).status == 200
    assert names_of(["0.0.0.0", ""]) == frozenset()


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1", "file://"])
async def test_a_foreign_origin_is_refused_whatever_it_brings(origin: str) -> None:
    assert await status({**TOKEN, "Origin": origin}) == 403


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8787", "https://127.0.0.1:8787"])
async def test_the_own_origin_fits_also_behind_a_proxy_with_tls(origin: str) -> None:
    assert await status({**TOKEN, "Origin": origin}) == 200


async def test_a_session_reads_freely_and_writes_with_care() -> None:
    guard, access, _ = guarded()
    cookie = access.sign_in("secret", Clock().now_us())
    signed = {**HOST, "Cookie": f"{access.cookie}={cookie}"}

    async def write(**more: str) -> int:
        headers = {**signed, **{name.replace("_", "-"): value for name, value in more.items()}}
        return (await ask(guard, "POST", PATH, headers=headers)).status

    assert (await ask(guard, path=PATH, headers=signed)).status == 200
    assert await write() == 403
    assert await write(X_Toque="1") == 403
    assert await write(X_Toque="0", Origin="http://127.0.0.1:8787") == 403
    assert await write(X_Toque="1", Origin="http://127.0.0.1:8787") == 200
    assert await write(X_Toque="1", Sec_Fetch_Site="same-origin") == 200
    assert await write(X_Toque="1", Sec_Fetch_Site="cross-site") == 403


async def test_a_session_ends() -> None:
    guard, access, _ = guarded()
    long_ago = Clock().now_us() - 31 * 86_400_000_000
    cookie = access.sign_in("secret", long_ago)
    headers = {**HOST, "Cookie": f"{access.cookie}={cookie}"}
    assert (await ask(guard, path=PATH, headers=headers)).status == 401


async def test_a_cookie_of_another_project_on_this_machine_is_ignored() -> None:
    guard, access, _ = guarded()
    other = Access("another")
    mine, theirs = (each.sign_in(each.token, Clock().now_us()) for each in (access, other))
    both = f"{other.cookie}={theirs}; {access.cookie}={mine}"
    assert other.cookie != access.cookie
    assert (await ask(guard, path=PATH, headers={**HOST, "Cookie": both})).status == 200
    assert (await ask(guard, path=PATH, headers={**HOST, "Cookie": f"{access.cookie}={theirs}"})).status == 401


@pytest.mark.parametrize("cookie", ["", "a", "=;=", "\x01", "x" * 5000, 'toque_session_="'])
async def test_nonsense_for_a_cookie_is_no_session(cookie: str) -> None:
    assert await status({**HOST, "Cookie": cookie}) == 401


async def test_what_cannot_be_meant_is_refused() -> None:
    assert await status(TOKEN, query="search=%00") == 400
    assert await status(TOKEN, path="/api/v1/runs/\0") == 400
    assert await status({**TOKEN, "Content-Length": "x"}) == 413
    assert await status({**TOKEN, "Content-Length": str(MAX_BODY_BYTES + 1)}) == 413


async def test_a_body_without_a_length_is_cut_off_at_the_limit() -> None:
    guard, _, echo = guarded()
    piece = b"x" * (MAX_BODY_BYTES // 2)
    await ask(guard, "POST", PATH, headers=TOKEN, body=[piece, piece, b"x"])
    assert echo.bodies == []
    await ask(guard, "POST", PATH, headers=TOKEN, body=[piece, b"x"])
    assert len(echo.bodies) == 1


async def test_every_answer_tells_browsers_what_not_to_do() -> None:
    guard, _, _ = guarded()
    for path, headers in ((PATH, TOKEN), (PATH, HOST), ("/", HOST)):
        said = await ask(guard, path=path, headers=headers)
        assert "frame-ancestors 'none'" in said.headers["content-security-policy"]
        assert said.headers["x-content-type-options"] == "nosniff"
        assert (said.headers.get("cache-control") == "no-store") == path.startswith("/api/")


async def test_a_refusal_says_what_to_do() -> None:
    guard, _, _ = guarded()
    said: Said = await ask(guard, path=PATH, headers=HOST)
    assert said.headers["content-type"] == "application/problem+json"
    assert said.headers["www-authenticate"] == "Bearer"
    assert "toque open" in said.json["fix"]
