"""Pipelines with hosts, as a front-end adds them."""

from __future__ import annotations

from typing import Any

from toque.authoring import sites
from toque.authoring.hosting import add_hosted
from toque.authoring.pipelines import pipeline
from toque.authoring.placeholders import Placeholder, Wired
from toque.authoring.references import code_ref
from toque.authoring.setups import setup
from toque.authoring.tasks import task
from toque.authoring.trace import Draft, Trace, current
from toque.graph.expr import Ref
from toque.graph.ir import Meta
from toque.worker.hosting import members

seen: list[Any] = []


def build() -> list[str]:
    """Runs whatever it is told to; `bad` goes wrong."""
    run = members()
    told = list(run.pending)
    for name in told:
        run.started(name, at_us=1_000)
        if name.endswith("bad"):
            run.failed(name, "gone off")
        else:
            run.succeeded(name, f"a dish of {name}", at_us=2_000)
    return told


def opened(trace: Trace, name: str) -> Draft:
    draft = trace.open("task", name, sites.here(), Meta())
    draft.fields = {"code": code_ref(build)}
    return draft


def result_of(trace: Trace, draft: Draft) -> Placeholder:
    return Placeholder(Wired(trace, Ref(node=draft.id), draft.id, None))


@task
def load() -> int:
    return 1


@task
def fail() -> int:
    raise ValueError("no")


@task
def light() -> str:
    return "oven"


@task
def put_out(oven: str) -> None:
    seen.append("out")


@task
def serve(dish: Any) -> Any:
    seen.append(dish)
    return dish


def kitchen(rule: Any, *sources: str) -> Any:
    """A host with three members: one waits for each source, the second for the first."""
    trace = current()
    assert trace is not None
    host = opened(trace, "build")
    host.rule = rule
    drafts = [opened(trace, name) for name in ("stock", "sauce", "bad")]
    for draft, source in zip(drafts, sources, strict=False):
        trace.connect(draft, source, "order")
    drafts[1].edge("stock", "order")
    add_hosted(trace, host, drafts)
    return serve(result_of(trace, drafts[1]))  # type: ignore[arg-type]


@pipeline
def dinner() -> Any:
    load()
    return kitchen("all_success", "load")


@pipeline
def leftovers() -> Any:
    load()
    fail()
    return kitchen("all_done", "load", "load", "fail")


@pipeline
def in_a_setup() -> Any:
    oven = light()
    with setup(oven, teardown=put_out):
        return kitchen("all_success")
