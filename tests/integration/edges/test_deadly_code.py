"""Code that ends its process, before it has begun or at each replay: a few deaths, then a clear error."""

from __future__ import annotations

import pytest

from tests.integration.edges.project import Project

DEATHS = 4
"""The first one, and a budget of three."""

BOMB = """
import os

def revive():
    if os.path.exists("armed"):
        with open("deaths", "a") as deaths:
            deaths.write("x")
        os._exit(7)
    return Bomb()

class Bomb:
    def __reduce__(self):
        return revive, ()
"""


def deaths(project: Project) -> int:
    return len((project.root / "deaths").read_text())


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_task_whose_input_kills_its_worker_fails_after_a_few_deaths(project: Project, kind: str) -> None:
    project.write("bomb.py", BOMB)
    project.pipeline(
        f"""
        from bomb import Bomb

        @task
        def make() -> Bomb:
            return Bomb()

        @task
        def arm() -> None:
            open("armed", "w").close()

        @task
        {kind} use_it(bomb: Bomb) -> None:
            note("never")

        @task
        def beside() -> str:
            return "fine"

        @pipeline
        def deadly() -> str:
            made = make()
            use_it.after(arm.after(made)())(made)
            return beside()
        """
    )
    ended = project.run(code=1)
    assert ended["tasks"] == {"make": "succeeded", "arm": "succeeded", "beside": "succeeded", "use_it": "failed"}
    assert deaths(project) == DEATHS
    error = ended["failures"][0]["error"]
    assert error["type"] == "WorkerLost"
    assert "lost with its worker 4 times" in error["message"]
    assert "exited with code 7" in error["message"]


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_flow_whose_body_kills_its_host_fails_after_a_few_deaths(project: Project, kind: str) -> None:
    call = "step(1)" if kind == "def" else "await step.submit(1)"
    project.pipeline(
        f"""
        import os

        @task
        def step(n: int) -> int:
            note(f"step {{n}}")
            return n

        @flow
        {kind} deadly() -> int:
            {call}
            with open("deaths", "a") as deaths:
                deaths.write("x")
            os._exit(7)
        """
    )
    ended = project.run(code=1)
    assert ended["state"] == "failed"
    assert deaths(project) == DEATHS
    assert project.notes() == ["step 1"]
    assert "lost with its worker 4 times" in ended["failures"][0]["error"]["message"]
