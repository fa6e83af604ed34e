"""One slot for each DuckDB file, whatever its connections are called and wherever they say that it is."""

from __future__ import annotations

from pathlib import Path

from toque.engine.lines import Claim
from toque.engine.requests import claims_of
from toque.graph.ir import CodeRef, PoolClaim, TaskNode, TaskPolicy
from toque.local.file_pools import file_pools
from toque.runtime.options import RuntimeOptions
from toque.settings import load

TOML = """
[connections.warehouse]
type = "duckdb"
path = "shop.duckdb"

[connections.copy]
type = "duckdb"
path = "./link.duckdb"
slots = 4

[connections.memory]
type = "duckdb"
path = ":memory:"

[connections.app]
type = "postgresql"
url = "postgresql://app"
slots = 2

[profiles.prod.connections.warehouse]
type = "snowflake"
account = "acme"
"""


def bound(root: Path, profile: str | None = None) -> dict[str, str]:
    (root / "toque.toml").write_text(TOML)
    return file_pools(load(root, profile, environ={}))


def node(*pools: str) -> TaskNode:
    policy = TaskPolicy(pools=tuple(PoolClaim(pool=pool) for pool in pools))
    return TaskNode(id="a", code=CodeRef(module="m", qualname="f"), policy=policy)


def test_connections_to_one_file_are_one_pool(tmp_path: Path) -> None:
    (tmp_path / "shop.duckdb").write_text("")
    (tmp_path / "link.duckdb").symlink_to(tmp_path / "shop.duckdb")
    file = f"duckdb:{(tmp_path / 'shop.duckdb').resolve()}"
    assert bound(tmp_path) == {"connection:warehouse": file, "connection:copy": file}


def test_a_profile_that_binds_the_name_to_another_database_leaves_its_pool(tmp_path: Path) -> None:
    assert "connection:warehouse" not in bound(tmp_path, "prod")


def test_a_node_claims_the_slot_of_the_file_once(tmp_path: Path) -> None:
    options = RuntimeOptions(pools={"connection:app": 2}, bound=bound(tmp_path))
    claims = claims_of(
        None,  # type: ignore[arg-type] (only a concurrency key looks at the run)
        node("connection:warehouse", "connection:app", "connection:memory", "sync:crm.Contact"),
        options.pool_limit,
        options.pool_of,
    )
    assert claims == (
        Claim(pool="connection:app", slots=1, limit=2),
        Claim(pool=f"duckdb:{(tmp_path / 'shop.duckdb').resolve()}", slots=1, limit=1),
        Claim(pool="sync:crm.Contact", slots=1, limit=1),
    )
