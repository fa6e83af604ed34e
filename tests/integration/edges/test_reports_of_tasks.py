"""What tasks report: metrics, artifacts, logs, attempts; and that no secret is in any of it."""

from __future__ import annotations

from pathlib import Path

from tests.integration.edges.project import Project

SECRET = "hunter2-and-more"


def test_metrics_artifacts_and_attempts_can_be_looked_at_after_the_run(project: Project) -> None:
    project.pipeline(
        """
        @task(retries=Retry(2, delay=0))
        def count(i: int) -> int:
            attempt = context().attempt
            progress(attempt, 3)
            metric("rows", i * 100 + attempt)
            if i == 1 and attempt < 3:
                raise TransientError("come back")
            artifact("sample", [{"i": i}])
            return i

        @task
        def big(x: object) -> None:
            artifact("page", "# " + "x" * 20_000, kind="markdown")

        @pipeline
        def counted() -> None:
            big(count.map(each(range(2))))
        """
    )
    project.run()
    shown = project.show()
    assert [
        (each["map_index"], each["attempt"], each["value"]) for each in shown["metrics"] if each["map_index"] == [1]
    ] == [
        ([1], 1, 101),
        ([1], 2, 102),
        ([1], 3, 103),
    ]
    artifacts = {(each["task"], *each["map_index"]): each for each in shown["artifacts"]}
    assert artifacts["count", 0]["value"] == [{"i": 0}]
    page = artifacts["big",]
    assert page["kind"] == "markdown"
    assert page["size_bytes"] > 20_000
    assert [path for path in project.root.rglob("*") if str(path).endswith(f"{page['blob']}")]

    one = project.show("latest", "count[1]")
    assert [each["outcome"] for each in one["attempts"]] == ["failed", "failed", "succeeded"]
    assert one["attempts"][0]["error"]["message"] == "come back"
    assert [each["value"] for each in one["metrics"]] == [101, 102, 103]
    text = project.toque("runs", "latest").out
    assert "METRIC" in text
    assert "count[1]" in text
    assert project.toque("runs", "latest", "count[7]", code=4).out.startswith("run ")


def test_secrets_are_in_nothing_that_a_run_leaves(project: Project) -> None:
    project.settings(
        """
        [secrets]
        key = "env:THE_KEY"
        [connections.shop]
        type = "http"
        url = "http://localhost:1"
        token = { secret = "env:THE_KEY" }
        [variables]
        greeting = "hello"
        """
    )
    project.pipeline(
        """
        import logging
        import os
        import subprocess

        class Shop(Connection):
            url: str
            token: str

        shop = Shop("shop")

        @task
        def leak(key: str = use(Secret("key")), greeting: str = use(Variable("greeting", str))) -> None:
            print(greeting, key)
            logging.getLogger("noisy").warning("the key is %s", key)
            subprocess.run(["sh", "-c", "echo raw $THE_KEY; echo err $THE_KEY >&2"])
            artifact("said", {"rows": [key]})
            raise RuntimeError(f"no access with {key}")

        @task
        def connect(given: Shop = use(shop)) -> int:
            print(given.url, given.token, given)
            return len(given.token)

        @pipeline
        def leaks() -> int:
            leak()
            return connect()
        """
    )
    said = project.toque("run", "flow.py", code=1, THE_KEY=SECRET)
    assert "no access with ***" in said.out
    lines = [line["msg"] for line in project.logs()]
    for expected in ("hello ***", "the key is ***", "raw ***", "err ***", "http://localhost:1 *** <connection shop>"):
        assert expected in lines
    assert project.show()["artifacts"][0]["value"] == {"rows": ["***"]}
    everything = [said.out, project.toque("runs", "latest", "--json").out, project.toque("connections", "list").out]
    assert not [text for text in everything if SECRET in text]
    assert not [path for path in files(project) if SECRET.encode() in path.read_bytes()]


def files(project: Project) -> list[Path]:
    return [path for path in (project.root / ".toque").rglob("*") if path.is_file()]


def test_ten_megabytes_of_log_lines_a_second_are_kept_and_followed(project: Project) -> None:
    """30 MB as fast as one task can print them, which is well above that rate: every line is there, in order."""
    project.pipeline(
        """
        @task
        def loud() -> str:
            tell("loud")
            for n in range(150_000):
                print(f"{n:06} " + "x" * 193)
            return "done"

        @task
        def other() -> int:
            return 1

        @pipeline
        def noise() -> str:
            other()
            return loud()
        """
    )
    running = project.start("run", "flow.py", "--json")
    assert project.heard() == "loud"
    followed = project.start("logs", "-f", "latest", "loud", "--json")
    lines = followed.end().out.splitlines()
    ended = running.end()
    assert ended.code == 0
    assert len(lines) == 150_000
    assert '"msg":"000000 x' in lines[0]
    assert '"msg":"149999 x' in lines[-1]


def test_a_log_without_end_is_cut_and_says_so(project: Project) -> None:
    project.pipeline(
        """
        import sys

        @task
        def endless() -> int:
            line = "x" * 1_000_000 + "\\n"
            for _ in range(250):
                sys.stdout.write(line)
            return 1

        @pipeline
        def noise() -> int:
            return endless()
        """
    )
    assert project.run()["result"] == 1
    log = max(project.root.glob(".toque/logs/*/endless/*.jsonl"), key=lambda path: path.stat().st_size)
    assert log.stat().st_size < 201 * 2**20
    with open(log, "rb") as file:
        file.seek(-1000, 2)
        assert b"was cut here, at 200 MB" in file.read()
    log.unlink()
