"""Each option of a task, end to end with the process executor."""

from __future__ import annotations

import sys
import venv
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.integration.edges.project import Project
from toque.client.runs import Runs
from toque.client.session import Client
from toque.client.transport import Transport
from toque.settings.tokens import find_server, known_token

RETRIES = """
class Flaky(Exception): ...

def rule(error: Exception) -> bool | float:
    return 0.0 if "again" in str(error) else False

def attempt() -> int:
    number = context().attempt
    note(f"{context().task} {number}")
    return number

@task(retries=Retry(4, delay="1ms", backoff=2, cap="3ms", jitter=True))
def delayed() -> int:
    if attempt() < 4:
        raise Flaky("not yet")
    return 1

@task(retries=2, retry_delay=0)
def plain() -> int:
    if attempt() < 3:
        raise Flaky("not yet")
    return 1

@task(retries=Retry(5, delay=0, on=Flaky))
def by_type() -> None:
    raise Flaky("x") if attempt() == 1 else ValueError("other")

@task(retries=Retry(5, delay=0, on="transient"))
def by_class() -> None:
    raise TransientError("x") if attempt() == 1 else ValueError("other")

@task(retries=Retry(5, delay=0, on=rule))
def by_rule() -> None:
    raise Flaky("again") if attempt() < 3 else Flaky("enough")

@task(retries=5)
def bad_data() -> None:
    attempt()
    raise DataError("wrong", sample=[{"a": 1}])

@task(retries=5, retry_delay=0)
def bad_arguments(x: int) -> None:
    attempt()
    len(x)

@task(retries=5)
def bad_import() -> None:
    attempt()
    import nowhere_to_be_found

@task(retries=Retry(1000, delay="20ms"), deadline="200ms")
def bounded() -> None:
    raise Flaky("for ever")

@pipeline
def retried() -> None:
    delayed(); plain(); by_type(); by_class(); by_rule(); bad_data(); bad_arguments(1); bad_import(); bounded()
"""


def test_retries_by_count_type_class_and_rule_and_what_cannot_heal(project: Project) -> None:
    project.pipeline(RETRIES)
    ended = project.run(code=1)
    last = {name: int(number) for name, number in (line.split() for line in project.notes())}
    assert last == {
        "delayed": 4,
        "plain": 3,
        "by_type": 2,
        "by_class": 2,
        "by_rule": 3,
        "bad_data": 1,
        "bad_arguments": 6,  # a TypeError of the body's own may heal
        "bad_import": 1,
    }
    errors = {each["task"]: each["error"]["type"] for each in ended["failures"]}
    assert errors["bounded"] == "DeadlineExceeded"
    assert errors["bad_data"].endswith("DataError")
    assert project.show("latest", "delayed")["attempts"][-1]["outcome"] == "succeeded"


LIMITS = """
import os

@task(pool="two")
def one_slot(i: int) -> None:
    inside("two", 1)

@task(pool=Pool("two", 2))
def two_slots(i: int) -> None:
    inside("two", 2)

@task(concurrency_key="of-{who}")
def keyed(i: int) -> None:
    inside("keyed", 1)

@task(pool="one", priority=1)
def low(i: int) -> None:
    note(f"low {i}", "order")

@task(pool="one", priority=10)
def high(i: int) -> None:
    note(f"high {i}", "order")

@task(pool="one", priority=100)
def first() -> None:
    tell("first")
    wait()

class Shop(Connection):
    url: str

shop = Shop("shop")

@task
def connected(i: int, given: Shop = use(shop)) -> None:
    inside("shop", 1)

def inside(what: str, slots: int) -> None:
    note(f"{what} {slots}", "inside")
    for _ in range(2_000):
        os.sched_yield()
    note(f"{what} {-slots}", "inside")

@pipeline
def limited(who: str = "me") -> None:
    first()
    low.map(each(range(3)))
    high.map(each(range(3)))
    one_slot.map(each(range(8)))
    two_slots.map(each(range(4)))
    keyed.map(each(range(4)))
    connected.map(each(range(4)))
"""


def test_pools_slots_keys_connections_and_priorities_bound_what_runs_at_once(project: Project) -> None:
    project.settings(
        """
        workers = 4
        [pools]
        one = 1
        two = 2
        [connections.shop]
        type = "http"
        url = "http://localhost:1"
        slots = 1
        """
    )
    project.pipeline(LIMITS)
    running = project.start("run", "flow.py")
    assert project.heard() == "first"
    project.let_go()
    assert running.end().code == 0
    most: dict[str, int] = {}
    held: dict[str, int] = {}
    for line in project.notes("inside"):
        what, change = line.split()
        held[what] = held.get(what, 0) + int(change)
        most[what] = max(most.get(what, 0), held[what])
    assert most == {"two": 2, "keyed": 1, "shop": 1}
    assert [line.split()[0] for line in project.notes("order")] == ["high"] * 3 + ["low"] * 3


def test_results_are_reused_while_they_are_fresh_and_inputs_and_code_are_the_same(project: Project) -> None:
    text = """
        def by_region(region: str, noise: int) -> str:
            return region

        @task(cache="1h")
        def kept(n: int) -> int:
            note(f"kept {{n}}")
            return n * {factor}

        @task(cache=Cache(expires="1us"))
        def stale(n: int) -> int:
            note(f"stale {{n}}")
            return n

        @task(cache=Cache(key=by_region))
        def keyed(region: str, noise: int) -> str:
            note(f"keyed {{noise}}")
            return region

        @pipeline
        def cached(n: int = 1) -> int:
            stale(n)
            keyed("eu", n)
            return kept(n)
        """
    project.pipeline(text.format(factor=10))
    assert project.run()["result"] == 10
    assert project.run()["result"] == 10
    assert project.run("flow.py", "-p", "n=2")["result"] == 20
    project.pipeline(text.format(factor=100))
    assert project.run()["result"] == 100
    expected = ["stale 1", "keyed 1", "kept 1", "stale 1", "stale 2", "kept 2", "stale 1", "kept 1"]
    assert sorted(project.notes()) == sorted(expected)


def test_a_task_that_holds_more_memory_than_its_limit_fails_and_says_so(project: Project) -> None:
    project.pipeline(
        """
        @task(memory_limit="150MB")
        def large() -> None:
            held = bytearray(400_000_000)
            held[::4096] = b"x" * len(held[::4096])
            wait()

        @pipeline
        def holds() -> None:
            large()
        """
    )
    (failure,) = project.run(code=1)["failures"]
    assert failure["error"]["type"] == "MemoryLimit"
    assert "150 MB" in failure["error"]["message"]


def test_a_task_runs_with_the_interpreter_of_its_environment(project: Project) -> None:
    folder = project.root.parent / "environment"
    venv.create(folder, symlinks=True, with_pip=False)
    (packages,) = folder.glob("lib/python*/site-packages")
    ours = [str(Path(__file__).parents[3] / "src"), *(path for path in sys.path if path.endswith("site-packages"))]
    (packages / "ours.pth").write_text("\n".join(ours))
    (packages / "only_there.py").write_text("VALUE = 42\n")
    project.settings(f'[environments.other]\npython = "{folder}/bin/python"\n')
    project.pipeline(
        """
        import sys

        @task(environment="other")
        def there() -> str:
            import only_there
            return f"{sys.prefix} {only_there.VALUE}"

        @task
        def here() -> str:
            return sys.prefix

        @task
        def both(a: str, b: str) -> str:
            return f"{a} {b}"

        @pipeline
        def environments() -> str:
            return both(there(), here())
        """
    )
    assert project.run()["result"] == f"{folder} 42 {sys.prefix}"


OVERLAPS = """
@task
def held() -> int:
    tell(context().run_id)
    wait()
    return 1

@pipeline(max_active_runs=1, overlap="skip")
def skips() -> int:
    return held()

@pipeline(max_active_runs=1, overlap="cancel_older")
def cancels() -> int:
    return held()

@pipeline(max_active_runs=1)
def queues() -> int:
    return held()

@pipeline(max_active_runs=1, overlap="allow")
def allows() -> int:
    return held()
"""


def test_runs_on_top_of_max_active_runs_are_skipped_queued_allowed_or_take_the_place_of_the_older(
    project: Project,
) -> None:
    project.pipeline(OVERLAPS)
    server = project.start("server", "--port", "0")
    server.wait_for("listening on")
    # Asked over its API: two dozen commands would take ten times as long.
    where = find_server(project.root / ".toque")
    assert where is not None
    with closing(Transport(where.url, known_token(project.root / ".toque"), actor="tester")) as transport:
        client = Client(transport)
        while not {each.name for each in client.pipelines.list()} >= {"queues", "cancels", "allows"}:
            pass  # the first look at the files is under way; each turn is a request
        overlap(project, client.runs, lambda name: client.runs.start(name).run_id)
    server.interrupt()
    assert server.end().code == 0


def overlap(project: Project, runs: Runs, trigger: Callable[[str], str]) -> None:
    one = str(project.toque("trigger", "flow.py:skips", "--json").json["run_id"])
    assert project.heard() == one
    assert project.toque("trigger", "skips", "--wait", code=1)
    assert (runs.get(one).state, "at most 1" in project.show()["reason"]) == ("running", True)
    project.let_go()
    project.toque("logs", "-f", one)

    one = trigger("queues")
    assert project.heard() == one
    two = trigger("queues")
    project.let_go()
    assert project.heard() == two
    assert runs.get(one).state == "succeeded"
    project.let_go()
    runs.wait(two)

    one = trigger("cancels")
    assert project.heard() == one
    two = trigger("cancels")
    assert project.heard() == two
    assert (runs.get(one).state, two in runs.get(one).reason) == ("cancelled", True)
    project.let_go()
    assert runs.wait(two).state == "succeeded"

    one, two = trigger("allows"), trigger("allows")
    assert {project.heard(), project.heard()} == {one, two}
    project.let_go(2)
    assert {runs.wait(run).state for run in (one, two)} == {"succeeded"}


def test_a_run_ends_at_its_deadline_and_a_deferred_task_at_its_own(project: Project) -> None:
    project.pipeline(
        """
        @task
        def endless() -> None:
            wait()

        @task
        def never() -> None:
            note("never")

        @task(deadline="100ms")
        def deferred() -> None:
            raise NotYet("1h")

        @pipeline(deadline="1s")
        def bounded() -> None:
            deferred()
            never.after(endless())()
        """
    )
    ended = project.run(code=1)
    assert ended["state"] == "failed"
    assert ended["tasks"] == {"deferred": "failed", "endless": "cancelled", "never": "cancelled"}
    assert "deadline of 1 s" in project.show()["error"]["message"]
    assert project.show("latest", "deferred")["attempts"][-1]["error"]["type"] == "DeadlineExceeded"
    assert project.notes() == []


def test_async_and_io_bound_tasks_share_a_process_and_wait_together(project: Project) -> None:
    """Each one waits for all of them: had they a worker each, there would not be enough of them."""
    project.settings("workers = 1\n")
    project.pipeline(
        """
        import asyncio
        import os
        import threading

        met = threading.Barrier(8)
        here: list[int] = []

        @task
        async def meets(i: int) -> int:
            here.append(i)
            while len(here) < 8:
                await asyncio.sleep(0)
            return os.getpid()

        @task(io_bound=True)
        def blocks(i: int) -> int:
            met.wait()
            return os.getpid()

        @task
        def different(pids: list[int], others: list[int]) -> str:
            return f"{len(set(pids))} {len(set(others))}"

        @pipeline
        def shared() -> str:
            return different(meets.map(each(range(8))), blocks.map(each(range(8))))
        """
    )
    assert project.run()["result"] == "1 1"
