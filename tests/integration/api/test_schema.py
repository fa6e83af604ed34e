"""Schemathesis over the OpenAPI document: whatever is asked, nothing answers 500 and each answer is as described; and
each operation answers 2xx at least once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.integration.api.conftest import Server
from tests.integration.cli.conftest import ROOT

if TYPE_CHECKING:
    from schemathesis import Case

# A test of its own holds the file against the server's document, which takes a second to make. Schemathesis takes
# longer to import: what follows is asked by the process that runs these tests, and not by each that collects them.
DOCUMENT = json.loads((ROOT / "ui" / "openapi.json").read_text())
OPERATIONS = sorted((path, method) for path, operations in DOCUMENT["paths"].items() for method in operations)
STREAM = ("/api/v1/stream", "get")
"""Does not end by itself: `test_stream` reads it."""
FUZZED = [each for each in OPERATIONS if each != STREAM]
EXAMPLES = 8


@cache
def schema() -> Any:
    """The document, for Schemathesis."""
    import schemathesis

    return schemathesis.openapi.from_dict(DOCUMENT)


@cache
def checks() -> list[Any]:
    """What every answer is held against."""
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks as of_the_document

    return [
        not_a_server_error,
        of_the_document.status_code_conformance,
        of_the_document.content_type_conformance,
        of_the_document.response_schema_conformance,
    ]


@dataclass
class Known:
    """Names that exist, for the parameters of paths."""

    run: str
    failed: str
    made: str
    """Made `raw.clicks`."""
    version: str
    schedule: str
    backfill: str
    now_us: int

    def path(self, template: str, method: str) -> dict[str, str]:
        """Path parameters for an operation."""
        run = self.failed if template.endswith("/retry") else self.run
        found = {
            "name": "squares",
            "run_id": run,
            "version": self.version,
            "a": self.version,
            "b": self.version,
            "schedule": self.schedule,
            "backfill": self.backfill,
            "key": "raw.clicks",
        }
        return {name: value for name, value in found.items() if f"{{{name}}}" in template}


@pytest.fixture(scope="module")
def known(server: Server, ended: dict[str, str]) -> Known:
    client = server.client()
    now_us = client.session().server.now_us
    backfill = client.backfills.start("squares", from_us=now_us - 90 * 86_400_000_000, to_us=now_us)
    return Known(
        run=ended["squares"],
        failed=ended["fragile"],
        made=ended["web"],
        version=client.versions.list("squares")[0].version,
        schedule=client.schedules.list()[0].id,
        backfill=backfill.id,
        now_us=now_us,
    )


def ask(server: Server, case: Case) -> int:
    """Send it, and hold the answer against the document."""
    case.cookies.clear()
    response = case.call(base_url=server.url, headers={"Authorization": f"Bearer {server.token}"})
    case.validate_response(response, checks=checks())
    return int(response.status_code)


@pytest.mark.parametrize(("path", "method"), FUZZED, ids=[f"{method}-{path}" for path, method in FUZZED])
def test_whatever_is_asked_is_answered_as_described(server: Server, known: Known, path: str, method: str) -> None:
    from schemathesis import GenerationMode

    operation = schema()[path][method.upper()]
    places = known.path(path, method)
    strategies = [operation.as_strategy(mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)]
    if places:
        strategies.append(operation.as_strategy(GenerationMode.POSITIVE, path_parameters=places))

    @settings(
        max_examples=EXAMPLES * len(strategies),
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(strategies))
    def asked(case: Any) -> None:
        ask(server, case)

    asked()


def good(server: Server, known: Known) -> dict[tuple[str, str], dict[str, Any]]:
    """A request for each operation that must be fulfilled. Those with a body of their own are written out."""
    task = {"task": "square", "index": "1"}
    bodies: dict[tuple[str, str], Any] = {
        ("/api/v1/session", "post"): {"key": server.token},
        ("/api/v1/pipelines/{name}/runs", "post"): {"parameters": {"n": 1}},
        ("/api/v1/pipelines/{name}/rollback", "post"): {"version": known.version},
        ("/api/v1/pipelines/{name}/backfills", "post"): {
            "from_us": known.now_us - 86_400_000_000 * 2,
            "to_us": known.now_us,
            "dry_run": True,
        },
        ("/api/v1/backfills", "post"): {"selection": "raw.clicks", "dry_run": True},
        ("/api/v1/assets/{key}/reviews", "post"): {
            "made_us": known.now_us,
            "run_id": known.made,
            "was_anomaly": False,
        },
        ("/api/v1/partitions/{name}", "post"): {"keys": ["c1"]},
        ("/api/v1/schedules/preview", "post"): {"rule": "0 7 * * *"},
        ("/api/v1/runs/{run_id}/retry", "post"): {},
        ("/api/v1/runs/{run_id}/rerun", "post"): {"tasks": ["total"]},
        ("/api/v1/runs/{run_id}/cancel", "post"): {"preview": True},
        ("/api/v1/runs/{run_id}/suspend", "post"): {},
        ("/api/v1/runs/{run_id}/resume", "post"): {},
        ("/api/v1/runs/{run_id}/mark", "post"): {"task": "then", "state": "skipped"},
    }
    queries: dict[str, Any] = {
        "/api/v1/runs/{run_id}/task": task,
        "/api/v1/runs/{run_id}/value": task,
        "/api/v1/runs/{run_id}/logs": task,
        "/api/v1/runs/{run_id}/logs/download": task,
        "/api/v1/versions/{version}/file": {"path": "zoo.py"},
        "/api/v1/lineage": {"column": "raw.clicks.value"},
        "/api/v1/compare": {"a": known.run, "b": known.failed},
    }
    found: dict[tuple[str, str], dict[str, Any]] = {}
    live = ("cancel", "suspend", "resume", "mark")
    run_id = _running(server)
    span = {"from_us": known.now_us - 300 * 86_400_000_000, "to_us": known.now_us}
    known.backfill = server.client().backfills.start("squares", **span).id
    for path, method in FUZZED:
        places = known.path(path, method)
        if path.rpartition("/")[2] in live and "run_id" in places:
            places = {"run_id": run_id}
        if "{name}" in path and path.startswith(("/api/v1/connections/", "/api/v1/syncs/")):
            # Not when it is asked anything: each test of a connection is a process, each preview a run.
            places = {"name": "barn" if "/connections/" in path else "post"}
        if path.endswith("/backfills/{backfill}/retry"):
            made = server.client().backfills.materialize("raw.clicks")
            places = {"backfill": server.client().backfills.cancel(made.id).id}
        request: dict[str, Any] = {"path_parameters": places, "query": queries.get(path, {})}
        if (path, method) in bodies:
            request |= {"body": bodies[path, method], "media_type": "application/json"}
        found[path, method] = request
    return found


def test_each_operation_is_fulfilled_at_least_once(server: Server, known: Known) -> None:
    requests = good(server, known)
    order = ["suspend", "resume", "mark", "cancel"]
    """On one run, which must not have ended by then; all others first."""
    places = {each: order.index(name) if (name := each[0].rpartition("/")[2]) in order else -1 for each in requests}
    last = sorted(requests, key=lambda each: (places[each], each))
    statuses = {each: ask(server, schema()[each[0]][each[1].upper()].Case(**requests[each])) for each in last}
    assert {each: status for each, status in statuses.items() if not 200 <= status < 300} == {}
    assert set(statuses) == {*OPERATIONS} - {STREAM}


def _running(server: Server) -> str:
    """A run that stands before its gate."""
    server.gate()
    client = server.client()
    run_id = client.runs.start("gated").run_id
    while not list(client.runs.tasks.list(run_id, states=["running"])):
        pass
    return run_id
