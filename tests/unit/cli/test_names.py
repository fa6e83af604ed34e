"""Names that a pipeline uses and nobody declared."""

from __future__ import annotations

from pathlib import Path

import pytest

from toque.graph.expr import Const
from toque.graph.ir import Axis, CodeRef, Inject, MapNode, Origin, Pipeline, PoolClaim, TaskNode, TaskPolicy
from toque.local.names import unknown_names
from toque.settings import Settings, load

SETTINGS = """
[connections.shop]
type = "http"
[variables]
region = "eu"
[secrets]
key = "env:KEY"
[environments.ml]
python = "python"
[pools]
heavy = 1
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "toque.toml").write_text(SETTINGS)
    return load(tmp_path, environ={})


def pipeline(inject: dict[str, Inject] | None = None, kind: str = "task", **policy: object) -> Pipeline:
    node = TaskNode(
        id="t",
        code=CodeRef(module="m", qualname="t"),
        inject=inject or {},
        policy=TaskPolicy(**policy),  # type: ignore[arg-type]
        kind=kind,  # type: ignore[arg-type]
        origin=Origin(file="flow.py", line=7),
    )
    return Pipeline(name="p", nodes=(MapNode(id="x[]", axes=(Axis(source=Const([])),)), node))


def test_declared_names_are_no_problem(settings: Settings) -> None:
    inject = {
        "a": Inject(kind="connection", name="shop"),
        "b": Inject(kind="variable", name="region"),
        "c": Inject(kind="secret", name="key"),
        "d": Inject(kind="context", name="Interval"),
        "e": Inject(kind="resource", name="", code=CodeRef(module="m", qualname="r")),
    }
    pools = (PoolClaim(pool="heavy"), PoolClaim(pool="duckdb:/a.duckdb"), PoolClaim(pool="connection:shop"))
    assert not list(unknown_names(pipeline(inject, environment="ml", pools=pools), settings))


@pytest.mark.parametrize(
    ("uses", "message", "fix"),
    [
        (pipeline({"a": Inject(kind="connection", name="shpo")}), "no connection is named 'shpo'", "mean 'shop'"),
        (pipeline({"a": Inject(kind="variable", name="limit")}), "no variable is named 'limit'", "[variables]"),
        (pipeline({"a": Inject(kind="secret", name="token")}), "no secret is named 'token'", "[secrets]"),
        (pipeline(environment="gpu"), "no environment is named 'gpu'", "[environments.gpu]"),
        (pipeline(pools=(PoolClaim(pool="heavi"),)), "no pool is named 'heavi'", "mean 'heavy'"),
        (pipeline(executor="kubernetes"), "no executor is named 'kubernetes'", "there are: process, inline"),
    ],
)
def test_an_unknown_name_is_a_problem_with_its_place_and_fix(
    settings: Settings, uses: Pipeline, message: str, fix: str
) -> None:
    (problem,) = unknown_names(uses, settings)
    assert (problem.file, problem.line) == ("flow.py", 7)
    assert message in problem.message
    assert fix in problem.fix


def test_the_body_of_a_flow_has_an_executor_of_its_own(settings: Settings) -> None:
    assert not list(unknown_names(pipeline(kind="flow", executor="flow"), settings))
