"""A host in a real run: its worker is killed in the middle, and what it had finished is finished."""

from __future__ import annotations

from tests.integration.cli.conftest import Project

KITCHEN = """\
import os
import signal
from pathlib import Path

from toque import pipeline, task
from toque.authoring import sites
from toque.authoring.hosting import add_hosted
from toque.authoring.placeholders import Placeholder, Wired
from toque.authoring.references import code_ref
from toque.authoring.trace import current
from toque.graph.expr import Ref
from toque.graph.ir import Meta
from toque.worker.hosting import members

GATES = Path(os.environ["GATES"])


def note(*words):
    with open("notes.txt", "a") as file:
        print(*words, file=file)


def build():
    run = members()
    note("begin", *run.pending)
    for name in run.pending:
        run.started(name)
        run.log(name, f"cooking {name}")
        if name == "spoiled" and not Path("healed").exists():
            run.failed(name, "gone off", kind="data", sample=[{"dish": 1}])
            continue
        run.succeeded(name, f"a dish of {name}")
        note("done", name)
        if name == "stock" and not (GATES / "killed").exists():
            (GATES / "served").read_text()
            (GATES / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "stock" and (GATES / "held").exists():
            (GATES / "held").read_text()


@task
def load() -> int:
    return 1


@task
def serve(dish: str) -> str:
    note("serve", dish)
    if not (GATES / "killed").exists():
        (GATES / "served").write_text("go")
    return dish


def hosted(trace, name, *after):
    draft = trace.open("task", name, sites.here(), Meta())
    draft.fields = {"code": code_ref(build)}
    for source in after:
        draft.edge(source, "order")
    return draft


@pipeline
def kitchen():
    load()
    trace = current()
    host = trace.open("task", "build", sites.here(), Meta())
    host.fields = {"code": code_ref(build)}
    add_hosted(
        trace,
        host,
        [hosted(trace, "stock", "load"), hosted(trace, "sauce", "stock"), hosted(trace, "spoiled")],
    )
    return serve(Placeholder(Wired(trace, Ref(node="stock"), "stock", None)))
"""


def test_a_host_whose_worker_is_killed_goes_on_with_the_rest_and_is_retried_with_what_failed(project: Project) -> None:
    """`serve` runs while the host does (it opens the gate at which the host waits), and `stock` is made once."""
    (project.root / "toque.toml").write_text("workers = 2\n")
    project.write("kitchen.py", KITCHEN)
    project.gate("served")
    ended = project.toque("run", "kitchen.py", "--json")
    assert ended.code == 1, ended
    assert ended.json["tasks"] == {
        "load": "succeeded",
        "build": "succeeded",
        "stock": "succeeded",
        "sauce": "succeeded",
        "spoiled": "failed",
        "serve": "succeeded",
    }
    notes = (project.root / "notes.txt").read_text().splitlines()
    assert notes == [
        "begin stock sauce spoiled",
        "done stock",
        "serve a dish of stock",
        "begin sauce spoiled",
        "done sauce",
    ]
    run_id = ended.json["run_id"]
    assert "cooking sauce" in project.toque("logs", run_id, "sauce").out

    alone = project.toque("debug", "stock")
    assert alone.code != 0
    assert "Fix: toque debug build" in alone.err

    (project.root / "healed").touch()
    again = project.toque("retry", run_id, "--json")
    assert again.code == 0, again
    assert (project.root / "notes.txt").read_text().splitlines()[5:] == ["begin spoiled", "done spoiled"]


def test_a_run_that_is_killed_with_its_host_in_the_middle_is_resumed_with_the_rest(project: Project) -> None:
    project.write("kitchen.py", KITCHEN)
    (project.root.parent / "killed").touch()
    (project.root / "healed").touch()
    (project.root / "toque.toml").write_text("workers = 2\n")
    project.gate("held")
    command = project.start("run", "kitchen.py")
    run_id = command.until("run ").split()[1]
    command.until("✓ serve")
    command.kill()
    ended = project.toque("resume", run_id)
    assert ended.code == 0, ended
    notes = (project.root / "notes.txt").read_text().splitlines()
    assert sorted(notes[:3]) == ["begin stock sauce spoiled", "done stock", "serve a dish of stock"]
    assert notes[3:] == ["begin sauce spoiled", "done sauce", "done spoiled"]
