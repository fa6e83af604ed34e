"""Signing in and out, and whether the server lives."""

from __future__ import annotations

from fastapi import APIRouter, Response

from toque.api.access import COOKIE, SESSION_S
from toque.api.asking import Actor, Asked
from toque.api.errors import documented, problem
from toque.api.wire.sessions import Health, ServerInfo, Session, SignIn

router = APIRouter(tags=["session"])
health = APIRouter(tags=["health"])


@router.post("/session", responses=documented(401), response_model=Session)
async def sign_in(key: SignIn, asked: Asked, response: Response) -> Session | Response:
    """Exchange a one-time key (or the token) for a session cookie."""
    cookie = asked.access.sign_in(key.key, asked.clock.now_us())
    if cookie is None:
        return problem(
            401, "this sign-in key is not known: it is good once, for ten minutes", fix="toque open prints a new URL"
        )
    response.set_cookie(COOKIE, cookie, max_age=SESSION_S, httponly=True, samesite="strict", path="/")
    return _session(asked, asked.access.actor)


@router.get("/session")
async def get_session(asked: Asked, actor: Actor) -> Session:
    """Who is signed in, at which server."""
    return _session(asked, actor)


@router.delete("/session", status_code=204)
async def sign_out(response: Response) -> None:
    """Forget the session cookie in this browser."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")


@health.get("/healthz")
async def healthz() -> Health:
    """The process answers."""
    return Health(status="ok")


@health.get("/readyz", responses=documented(503), response_model=Health)
async def readyz(asked: Asked) -> Health | Response:
    """The store answers."""
    await asked.store.counters()
    return Health(status="ready")


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
