"""Signing in and out, and whether the server lives."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from toque.api.access import SESSION_S, Access
from toque.api.asking import Actor, Asked
from toque.api.errors import documented, problem
from toque.api.wire.sessions import Health, ServerInfo, Session, SignIn

router = APIRouter(tags=["session"])
health = APIRouter(tags=["health"])
pages = APIRouter(include_in_schema=False)


@router.post("/session", responses=documented(401), response_model=Session)
async def sign_in(key: SignIn, asked: Asked, response: Response) -> Session | Response:
    """Exchange a one-time key (or the token) for a session cookie."""
    cookie = asked.access.sign_in(key.key, asked.clock.now_us())
    if cookie is None:
        return problem(
            401, "this sign-in key is not known: it is good once, for ten minutes", fix="toque open prints a new URL"
        )
    give_cookie(asked.access, response, cookie)
    return _session(asked, asked.access.actor)


@router.get("/session")
async def get_session(asked: Asked, actor: Actor) -> Session:
    """Who is signed in, at which server."""
    return _session(asked, actor)


@router.delete("/session", status_code=204)
async def sign_out(asked: Asked, response: Response) -> None:
    """Forget the session cookie in this browser."""
    response.delete_cookie(asked.access.cookie, path="/", httponly=True, samesite="strict")


@router.post("/session/keys", status_code=201)
async def make_sign_in_key(asked: Asked) -> SignIn:
    """A key for a URL that signs in another browser, once, within ten minutes: `/sign-in?key=…`."""
    return SignIn(key=asked.access.new_key(asked.clock.now_us()))


@health.get("/healthz")
async def healthz() -> Health:
    """The process answers."""
    return Health(status="ok")


@health.get("/readyz", responses=documented(503), response_model=Health)
async def readyz(asked: Asked) -> Health | Response:
    """The store answers."""
    await asked.store.counters()
    return Health(status="ready")


@pages.get("/sign-in")
async def sign_in_page(asked: Asked, key: str = "") -> Response:
    """What the printed URL opens: the key becomes a cookie, and leaves the address bar."""
    cookie = asked.access.sign_in(key, asked.clock.now_us())
    response = RedirectResponse("/" if cookie is not None else "/?signin=expired", status_code=303)
    if cookie is not None:
        give_cookie(asked.access, response, cookie)
    response.headers["Cache-Control"] = "no-store"
    return response


def give_cookie(access: Access, response: Response, cookie: str) -> None:
    """For this browser only: no script reads it, no other site sends it."""
    response.set_cookie(access.cookie, cookie, max_age=SESSION_S, httponly=True, samesite="strict", path="/")


def _session(asked: Asked, actor: str) -> Session:
    who = asked.identity()
    return Session(
        actor=actor,
        server=ServerInfo(
            version=who.version,
            instance=who.instance,
            boot=who.boot,
            project=who.project,
            profile=who.profile,
            now_us=asked.clock.now_us(),
            role=who.role,
        ),
    )
