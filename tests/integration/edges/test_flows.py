"""Flows from the command line: branches of one name, killed and replayed, their recorded steps never run again."""

from __future__ import annotations

from collections import Counter

from tests.integration.edges.project import Project

BRANCHES = """
import asyncio

@task
def step(branch: str, n: int) -> str:
    note(f"{branch}{n}")
    if branch == "b" and n == 1 and len(open("notes").readlines()) < 9:
        tell("half way")
        wait()
    return f"{branch}{n}"

async def branch(name: str) -> list[str]:
    return [await step.submit(name, n) for n in range(4)]

@task
def never() -> None:
    raise ValueError("as always")

@flow
async def gathers() -> str:
    both = await asyncio.gather(branch("a"), branch("b"))
    try:
        await never.submit()
    except ValueError as error:
        both.append([str(error).rpartition(": ")[2]])
    await sleep("10ms")
    return " ".join(" ".join(each) for each in both)
"""
EXPECTED = "a0 a1 a2 a3 b0 b1 b2 b3 as always"


def test_gathered_branches_of_the_same_task_are_killed_and_replayed(project: Project) -> None:
    project.pipeline(BRANCHES)
    running = project.start("run", "flow.py")
    assert project.heard() == "half way"
    running.kill()
    done = set(recorded(project))
    resumed = project.start("resume", "--json")
    if project.heard() == "half way":
        project.let_go()
    assert resumed.end().json["result"] == EXPECTED
    times = Counter(project.notes())
    assert set(times) == {f"{branch}{n}" for branch in "ab" for n in range(4)}
    assert all(times[each] == 1 for each in done), (times, done)
    assert times["b1"] == 2


def recorded(project: Project) -> list[str]:
    """Steps whose success had been recorded: by branch (scope) and occurrence."""
    found = []
    for scope, branch in (("0", "a"), ("1", "b")):
        for n in range(4):
            ended = project.toque("runs", "latest", f"gathers/{scope}/step[{n}]", "--json", code=None)
            if ended.code == 0 and ended.json["state"] == "succeeded":
                found.append(f"{branch}{n}")
    return found
