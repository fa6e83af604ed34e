"""Airflow's script in the comparison: its DAGs, and what it asks the API for."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.comparison import PEERS
from benchmarks.peers import airflow_bench
from benchmarks.peers.airflow_bench import Server


class Asked(Server):
    """An API that runs what it is asked for at once."""

    def __init__(self, answers: Path, answer: list[int]) -> None:
        super().__init__("http://127.0.0.1:1", answers)
        self.bodies: list[tuple[str, Any]] = []
        self._answer = answer

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        self.bodies.append((path, body))
        assert body is not None
        (self.answers / body["dag_run_id"]).write_text(json.dumps(self._answer))
        return {}


def test_dags_are_python_with_a_chain_of_the_wanted_length() -> None:
    text = airflow_bench.DAGS.format(folder="/answers", chain=8)
    tree = ast.parse(text)
    assert [node.name for node in tree.body if isinstance(node, ast.FunctionDef)] == ["chain", "fanout"]
    assert "range(8)" in text
    assert 'params={"count": 1}' in text


def test_a_chain_is_a_run_whose_answer_is_its_stamps(tmp_path: Path) -> None:
    server = Asked(tmp_path, [1, 2, 3])
    assert server.chain(3) == [1, 2, 3]
    (asked,) = server.bodies
    assert asked == ("/api/v2/dags/chain/dagRuns", {"dag_run_id": "run-1", "logical_date": None, "conf": {}})


def test_each_fan_out_is_a_run_of_its_own_with_as_many_indexes(tmp_path: Path) -> None:
    server = Asked(tmp_path, [0, 1])
    assert server.fanout(range(2)) == [0, 1]
    server.fanout(range(5))
    assert [body["conf"] for _, body in server.bodies] == [{"count": 2}, {"count": 5}]
    assert [body["dag_run_id"] for _, body in server.bodies] == ["run-1", "run-2"]


@pytest.mark.parametrize("name", PEERS)
def test_each_peer_has_a_script_and_pins(name: str) -> None:
    folder = Path(airflow_bench.__file__).parent
    assert (folder / f"{name}_bench.py").is_file()
    assert (folder / "requirements" / f"{name}.txt").is_file() is PEERS[name].has_environment
