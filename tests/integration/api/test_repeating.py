"""A write that is sent again with its `Idempotency-Key` has one effect; a start has one across a restart, too."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.integration.api.conftest import Answer, Server, started
from toque.client import Client

START = "/api/v1/pipelines/squares/runs"
DAY_US = 86_400_000_000


def start(server: Server, key: str, n: int = 1) -> Answer:
    return server.send("POST", START, {"parameters": {"n": n}}, headers={"Idempotency-Key": key})


def count(client: Client) -> int:
    return len(list(client.runs.list(pipeline="squares", limit=500)))


def test_a_repeated_start_gets_the_first_answer(server: Server, client: Client) -> None:
    first, second = start(server, "one"), start(server, "one")
    assert (first.status, first.body) == (second.status, second.body)
    assert [run.run_id for run in client.runs.list(pipeline="squares")].count(first.json["run_id"]) == 1
    assert start(server, "two").json["run_id"] != first.json["run_id"]


def test_repetitions_at_the_same_time_share_one_run(server: Server, client: Client) -> None:
    before = count(client)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: start(server, "crowd"), range(8)))
    assert len({answer.json["run_id"] for answer in answers}) == 1
    assert count(client) == before + 1


def test_a_key_with_another_body_is_a_mistake(server: Server) -> None:
    start(server, "mine")
    answer = start(server, "mine", n=2)
    assert (answer.status, answer.is_problem) == (422, True)


def test_the_same_key_means_something_else_elsewhere(server: Server) -> None:
    first = start(server, "shared")
    other = server.send("POST", "/api/v1/pipelines/fragile/runs", {}, headers={"Idempotency-Key": "shared"})
    assert other.json["pipeline"] == "fragile"
    assert first.json["pipeline"] == "squares"


def test_a_repeated_retry_makes_one_run(server: Server, client: Client, ended: dict[str, str]) -> None:
    made = {client.runs.retry(ended["fragile"], key="again").run_id for _ in range(3)}
    assert len(made) == 1


def test_a_refusal_is_repeated_as_well(server: Server, ended: dict[str, str]) -> None:
    path, headers = f"/api/v1/runs/{ended['squares']}/retry", {"Idempotency-Key": "no"}
    answers = [server.send("POST", path, {}, headers=headers) for _ in range(2)]
    assert [answer.status for answer in answers] == [409, 409]


def test_keys_of_runs_and_backfills_outlive_a_restart(server: Server, client: Client) -> None:
    now_us = client.session().server.now_us
    plan = {"from_us": now_us - 2 * DAY_US, "to_us": now_us}
    path, headers = "/api/v1/pipelines/squares/backfills", {"Idempotency-Key": "nightly"}
    run_id = start(server, "lasting").json["run_id"]
    backfill = server.send("POST", path, plan, headers=headers).json["id"]
    server.command.kill()
    again = started(server.project)
    try:
        assert start(again, "lasting").json["run_id"] == run_id
        assert again.send("POST", path, plan, headers=headers).json["id"] == backfill
        assert again.token == server.token
    finally:
        again.close()
