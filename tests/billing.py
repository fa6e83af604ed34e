"""Stripe for tests: `localstripe` in a thread, with the events, filters and faults of the real one that it lacks.

What is added here is as https://docs.stripe.com/api says: `GET /v1/events` (newest first, `type`, `created`), an event
for each change and delete, and the `Date` of each answer.
"""

from __future__ import annotations

import asyncio
import re
import threading
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of bare functions as handlers
    from localstripe import resources, server

from sandbox.salesforce.faults import Fault, Faults
from tests.salesforce import Ticks

KEY = "sk_test_toque"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_CHANGES = re.compile(r"/v1/(customer|subscription|charge|product|plan)s/([^/]+)")


@dataclass
class Billing:
    """A running account and ways to look at it from behind."""

    clock: Ticks
    faults: Faults = field(default_factory=Faults)
    port: int = 0
    asked: list[str] = field(default_factory=list)

    @property
    def options(self) -> dict[str, Any]:
        """Of a connection of type `stripe`."""
        return {"api_key": KEY, "url": f"http://127.0.0.1:{self.port}"}

    def customer(self, name: str, **more: Any) -> str:
        """A new one, a second later."""
        self.clock.forward()
        return str(resources.Customer(name=name, **more).id)

    def payer(self, name: str) -> str:
        """One with a card."""
        key = self.customer(name)
        card = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2036", "cvc": "123"}
        resources.Customer._api_add_source(key, source=resources.Token(card=card).id)
        return key

    def subscription(self, customer: str, amount: int, quantity: int) -> str:
        """So many of something that costs `amount` a month."""
        plan = resources.Plan(amount=amount, currency="eur", interval="month", name="Pro", id=f"plan-{amount}")
        return str(resources.Subscription(customer=customer, items=[{"plan": plan.id, "quantity": quantity}]).id)

    def end(self, subscription: str) -> None:
        """At once."""
        self.clock.forward()
        found = resources.store[f"subscription:{subscription}"]
        found.status = "canceled"
        self._tell(found, "deleted")

    def change(self, kind: str, key: str, **values: Any) -> None:
        """As a request to change it does."""
        self.clock.forward()
        found = resources.store[f"{kind}:{key}"]
        found._update(**values)
        self._tell(found, "updated")

    def remove(self, kind: str, key: str) -> None:
        """As a request to delete it does."""
        self.clock.forward()
        found = resources.store[f"{kind}:{key}"]
        self._tell(found, "deleted")  # before, since what is gone cannot be shown
        type(found)._api_delete(key)

    def arm(self, kind: Any, match: str = "", **more: Any) -> None:
        self.faults.arm(Fault(kind, match, **more))

    def _tell(self, found: Any, what: str) -> None:
        begins = {"subscription": "customer.subscription"}.get(found.object, found.object)
        resources.Event(f"{begins}.{what}", found)

    @web.middleware
    async def manners(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Faults before everything else, and the time of the account's own clock."""
        text = f"{request.method} {request.path_qs}"
        self.asked.append(text)
        fault = self.faults.due(text)
        if fault is not None and fault.kind == "status":
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            return web.json_response({"error": {"message": "told to"}}, status=fault.status, headers=headers)
        if fault is not None and fault.kind == "cut_before":
            self._cut(request)
        answer = self._events(request) if request.path == "/v1/events" else await handler(request)
        if fault is not None and fault.kind == "cut_after":
            self._cut(request)
        assert isinstance(answer, web.Response)
        assert isinstance(answer.body, bytes)
        answer.headers["Date"] = format_datetime(self.clock(), usegmt=True)
        if fault is not None and fault.kind == "cut_body":
            await self._half(request, answer.body)
        return answer

    def _events(self, request: web.Request) -> web.Response:
        wanted = request.query.get("type", "*")
        since = int(request.query.get("created[gte]", "0"))
        limit, after = int(request.query.get("limit", "10")), request.query.get("starting_after")
        pattern = re.compile(re.escape(wanted).replace(r"\*", ".*"))
        found = [each for key, each in resources.store.items() if key.startswith("event:")]
        found = [each for each in reversed(found) if pattern.fullmatch(each.type) and each.created >= since]
        start = next((n + 1 for n, each in enumerate(found) if each.id == after), 0)
        page = [each._export() for each in found[start : start + limit]]
        return web.json_response(
            {"object": "list", "url": "/v1/events", "data": page, "has_more": len(found) > start + limit}
        )

    def _cut(self, request: web.Request) -> None:
        assert request.transport is not None
        request.transport.abort()
        raise web.HTTPServiceUnavailable

    async def _half(self, request: web.Request, body: bytes) -> None:
        cut = web.StreamResponse(headers={"Content-Length": str(len(body)), "Content-Type": "application/json"})
        await cut.prepare(request)
        await cut.write(body[: len(body) // 2])
        self._cut(request)


class _Running:
    """The account's server, in a thread of its own."""

    def __init__(self, billing: Billing) -> None:
        self._billing = billing
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="localstripe", daemon=True)

    def __enter__(self) -> _Running:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(_application(self._billing), access_log=None)
        self._loop.run_until_complete(runner.setup())
        self._loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0).start())
        self._billing.port = runner.addresses[0][1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()


def _application(billing: Billing) -> web.Application:
    """Routes of localstripe in an application of ours: its own one serves once only."""
    app = web.Application(middlewares=[billing.manners, server.error_middleware, server.auth_middleware])
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        for route in server.app.router.routes():
            if route.resource is not None:
                app.router.add_route(route.method, route.resource.canonical, route.handler)
    return app


@contextmanager
def running_billing() -> Iterator[Billing]:
    """An empty account whose clock is moved by hand."""
    made = Billing(Ticks())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resources, "time", SimpleNamespace(time=lambda: made.clock().timestamp()))
        patch.setattr(resources, "schedule_webhook", lambda event: None)
        patch.setattr(resources.Store, "dump_to_disk", lambda self: None)
        resources.store.clear()
        with _Running(made):
            yield made
        resources.store.clear()
