"""The shapes of pipelines: rules, branches, maps, groups, holes, setups, hooks, pipelines in pipelines, resources."""

from __future__ import annotations

from typing import Any

from tests.integration.edges.project import Project

RULES = (
    "all_success",
    "all_done",
    "all_failed",
    "one_success",
    "one_failed",
    "one_done",
    "none_failed",
    "none_failed_min_one_success",
    "none_skipped",
    "all_skipped",
    "always",
)
UPSTREAM = """
@task
def ok() -> int:
    return 1

@task
def bad() -> int:
    raise ValueError("no")

@task
def skipped() -> int:
    raise Skip("nothing to do")

@task
def below() -> None: ...

@pipeline
def ruled() -> None:
"""
PAIRS = {
    "ok_bad": ("ok", "bad"),
    "ok_skipped": ("ok", "skipped"),
    "both_bad": ("bad", "bad"),
    "both_skipped": ("skipped", "skipped"),
    "both_ok": ("ok", "ok"),
    "bad_skipped": ("bad", "skipped"),
}
S, X, U = "succeeded", "skipped", "upstream_failed"
EXPECTED = {
    #                              ok,bad ok,skip bad,bad skip,skip ok,ok bad,skip
    "all_success":                 (U,    X,      U,      X,        S,    U),
    "all_done":                    (S,    S,      S,      S,        S,    S),
    "all_failed":                  (X,    X,      S,      X,        X,    X),
    "one_success":                 (S,    S,      U,      X,        S,    U),
    "one_failed":                  (S,    X,      S,      X,        X,    S),
    "one_done":                    (S,    S,      S,      S,        S,    S),
    "none_failed":                 (U,    S,      U,      S,        S,    U),
    "none_failed_min_one_success": (U,    S,      U,      X,        S,    U),
    "none_skipped":                (S,    X,      S,      X,        S,    X),
    "all_skipped":                 (X,    X,      X,      S,        X,    X),
    "always":                      (S,    S,      S,      S,        S,    S),
}  # fmt: skip


def test_each_trigger_rule_over_each_pair_of_outcomes(project: Project) -> None:
    lines = []
    for pair, (left, right) in PAIRS.items():
        lines.append(f'a, b = {left}.options(name="{pair}_a")(), {right}.options(name="{pair}_b")()')
        lines += [f'below.after(a, b).options(name="{pair}_{rule}", trigger_rule="{rule}")()' for rule in RULES]
    project.pipeline(UPSTREAM + "".join(f"    {line}\n" for line in lines))
    states = project.run()["tasks"]
    found = {rule: tuple(states[f"{pair}_{rule}"] for pair in PAIRS) for rule in RULES}
    assert found == EXPECTED


SHAPES = """
from collections.abc import Sequence

@task
def names() -> list[str]:
    return ["a", "b", "c"]

@task
def upper(name: str) -> str:
    if name == "b":
        raise ValueError("b is bad")
    return name.upper()

@task
def join(parts: Sequence[str]) -> str:
    return "".join(parts)

@task
def outcomes_of(parts: Sequence[object]) -> str:
    return " ".join(type(part).__name__ for part in parts)

@task
def messages(parts: Sequence[Failure]) -> str:
    return " ".join(part.error.message if hasattr(part, "error") else part.message for part in parts)

@task
def times(a: int, b: int) -> int:
    return a * b

@task
def plus(a: int, b: int = 1) -> int:
    return a + b

@task
def total(numbers: list[int]) -> int:
    return sum(numbers)

@task
def lower(text: str) -> str:
    return text.lower()

@task
def twice(text: str) -> str:
    return text * 2

@group
def prepared(text: str) -> str:
    return twice(lower(text))

@pipeline
def inner(n: int = 3) -> int:
    return plus(plus.options(name="first")(n), 10)

@task
def above(n: int) -> bool:
    return n > 100

@task
def kind(n: int) -> str:
    return "odd" if n % 2 else "even"

@task
def say(text: str) -> str:
    return text

@task
def empty() -> list[int]:
    return []

@task
def report(**parts: object) -> str:
    return repr(parts)

@pipeline
def shapes() -> str:
    tolerated = upper.options(tolerate=1).map(each(names()))
    grid = times.product(each([1, 2, 3]), each([10, 20]))
    chained = plus.map(each(grid), 100)
    groups = prepared.map(each(names.options(name="more_names")()))
    nested = inner(5)
    nothing = plus.options(name="of_nothing").map(each(empty()))
    with when(above(nested)) as high:
        yes = say.options(name="yes")("high")
    with high.otherwise():
        no = say.options(name="no")("low")
    parity = branch(kind(nested))
    with parity.case("odd"):
        odd = say.options(name="odd")("odd")
    with parity.case("even"):
        even = say.options(name="even")("even")
    return report(
        ok=join(ok(tolerated)),
        outcomes=outcomes_of(outcomes(tolerated)),
        failures=messages(failures(tolerated)),
        grid=total.options(name="grid")(grid),
        chained=total(chained),
        groups=join.options(name="groups")(groups),
        nested=nested,
        nothing=total.options(name="nothing")(nothing),
        when=one_of(yes, no),
        branch=one_of(odd, even),
    )
"""


def test_maps_products_chains_groups_holes_branches_and_pipelines_in_pipelines(project: Project) -> None:
    project.pipeline(SHAPES)
    expected = {
        "ok": "AC",
        "outcomes": "Ok Failure Ok",
        "failures": "b is bad",
        "grid": 180,
        "chained": 180 + 600,
        "groups": "aabbcc",
        "nested": 16,
        "nothing": 0,
        "when": "low",
        "branch": "even",
    }
    ended = project.run("flow.py:shapes")
    assert ended["result"] == repr(expected)
    assert ended["tasks"]["upper[1]"] == "failed"
    assert ended["tasks"]["yes"] == "skipped"
    assert project.run("flow.py:shapes", "--executor", "inline")["result"] == repr(expected)
    shown = project.toque("show", "flow.py:shapes").out
    assert "inner" in shown
    assert "flowchart" in project.toque("show", "--mermaid", "flow.py:shapes").out


def test_without_tolerance_a_failed_index_fails_the_map_and_its_neighbours_go_on(project: Project) -> None:
    project.pipeline(
        """
        @task(retries=Retry(1, delay=0))
        def half(i: int) -> float:
            if i == 2 or (i == 4 and context().attempt == 1):
                raise ValueError(f"not {i}")
            return i / 2

        @task
        def total(parts: list[float]) -> float:
            return sum(parts)

        @pipeline
        def halves() -> float:
            return total(half.map(each(range(6))))
        """
    )
    tasks = project.run(code=1)["tasks"]
    assert tasks == {f"half[{i}]": "succeeded" if i != 2 else "failed" for i in range(6)} | {"total": "upstream_failed"}
    assert [len(project.show("latest", f"half[{i}]")["attempts"]) for i in (2, 4, 5)] == [2, 2, 1]


ENDS = """
@task
def make() -> str:
    return "cluster"

@task
def drop(cluster: str) -> None:
    note(f"dropped {cluster}")

@task
def work(cluster: str, fails: bool) -> str:
    if fails:
        raise ValueError("broken")
    return f"worked on {cluster}"

@task
def after(result: str) -> None:
    note(f"after {result}")

@task
def told(report: RunReport) -> None:
    note(f"{report.state} {[each.task for each in report.failed]}")
    raise RuntimeError("a hook that fails changes nothing")

@pipeline(on_failure=told, on_success=told)
def ends(fails: bool = False) -> str:
    with setup(make(), teardown=drop) as cluster:
        result = work(cluster, fails)
    after(result)
    return result
"""


def test_teardowns_and_hooks_run_at_a_good_end_and_at_a_bad_one(project: Project) -> None:
    project.pipeline(ENDS)
    assert project.run()["result"] == "worked on cluster"
    assert sorted(project.notes()) == ["after worked on cluster", "dropped cluster", "succeeded []"]
    (project.root / "notes").unlink()
    failed = project.run("flow.py", "-p", "fails=true", code=1)
    assert failed["state"] == "failed"
    assert project.notes() == ["dropped cluster", "failed ['work']"]


RESOURCES = """
import os

class Shop(Connection):
    url: str
    limit: int = 10

shop = Shop("shop")

@resource
def client(settings: Shop = use(shop)):
    note(f"open {os.getpid()} {settings.url} {settings.limit}")
    yield {"pid": os.getpid()}
    note(f"close {os.getpid()}")

@resource(scope="attempt")
def cursor(parent: dict = use(client)):
    note("begin")
    yield parent
    note("end")

@task
def pull(i: int, api: dict = use(client), at: dict = use(cursor), limit: int = use(Variable("limit", int))) -> int:
    assert api is at
    assert api["pid"] == os.getpid()
    assert limit == 7
    if i == 3:
        raise ValueError("the resource is closed all the same")
    return i

@pipeline
def pulls() -> None:
    pull.map(each(range(6)))
"""


def test_resources_are_opened_once_for_a_worker_and_closed_at_its_end(project: Project) -> None:
    project.settings(
        """
        workers = 1
        [connections.shop]
        type = "http"
        url = "http://localhost:1"
        [variables]
        limit = 1
        [profiles.prod.variables]
        limit = 7
        [profiles.prod.connections.shop]
        url = "http://prod:1"
        """
    )
    project.pipeline(RESOURCES)
    project.run("flow.py", "--profile", "prod", code=1)
    notes = project.notes()
    pid = notes[0].split()[1]
    assert notes == [f"open {pid} http://prod:1 10", *["begin", "end"] * 6, f"close {pid}"]


def test_shell_exit_codes_deferrals_and_the_context(project: Project) -> None:
    project.pipeline(
        """
        from datetime import datetime

        fine = shell("printf 'one\\\\n%s\\\\n' {word}; echo oops >&2", name="fine")
        nothing = shell("exit 99", exits={99: "skip"}, name="nothing")
        again = shell(
            'n=$(cat tries 2>/dev/null || echo 0); echo $((n + 1)) > tries; [ $n -ge 2 ] || exit 75',
            exits={75: "retry"}, retries=Retry(5, delay=0), name="again",
        )
        never = shell("exit 3", exits={3: "fail"}, retries=5, name="never")

        @task
        def ready() -> str:
            here = context()
            if here.deferrals < 2:
                raise NotYet("1ms", handle={"look": here.deferrals})
            return f"{here.deferrals} {here.handle} attempt {here.attempt}"

        @task
        def about(window: Interval = use(Interval)) -> str:
            here = context()
            assert here.run_id and here.idempotency_key
            assert isinstance(here.logical_time, datetime)
            here.logger.info("from the logger of the context")
            return f"{here.task} {here.attempt}"

        @task
        def told(*parts: object) -> str:
            return " | ".join(map(str, parts))

        @pipeline
        def shells() -> str:
            nothing(); again(); never()
            return told(fine(word="it's quoted; rm -rf $HOME"), ready(), about())
        """
    )
    ended = project.run(code=1)
    states: dict[str, Any] = ended["tasks"]
    assert states["nothing"] == "skipped"
    assert states["again"] == "succeeded"
    assert states["never"] == "failed"
    assert len(project.show("latest", "again")["attempts"]) == 3
    assert len(project.show("latest", "never")["attempts"]) == 1
    lines = {(line["task"], line["stream"], line["msg"]) for line in project.logs()}
    assert ("fine", "stdout", "it's quoted; rm -rf $HOME") in lines
    assert ("fine", "stderr", "oops") in lines
    assert ("about", "log", "from the logger of the context") in lines
    assert project.show("latest", "ready")["deferrals"] == 2
