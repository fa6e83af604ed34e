"""DuckDB as a warehouse, apart from what all warehouses keep."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from toque.graph.loads import TableName
from toque.integrations.warehouses.duckdb import DuckDBWarehouse


def test_a_session_that_takes_rows_in_holds_a_bounded_part_of_them(tmp_path: Path) -> None:
    def limit(settings: dict[str, str], rows: int) -> str:
        with DuckDBWarehouse(tmp_path / "rows.duckdb", settings=settings).session() as session:
            session.execute("CREATE OR REPLACE TEMP TABLE rows (n BIGINT)")
            session.copy_in(TableName("rows"), pa.table({"n": pa.array(range(rows), pa.int64())}))
            return str(session.fetch("SELECT current_setting('memory_limit')")[0][0])

    assert limit({}, 1_000) == "96.0 MiB"
    assert limit({"memory_limit": "2GiB"}, 1_000) == "2.0 GiB"
