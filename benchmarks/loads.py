"""A million changed rows: decoded from PostgreSQL's log, and merged into DuckDB; and a file of a gigabyte."""

from __future__ import annotations

import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.csv

from benchmarks.measurement import Measurement
from benchmarks.postgres import postgresql
from benchmarks.processes import family, pss_mb
from benchmarks.project import project
from toque.graph.loads import LoadSpec, Merge, TableName
from toque.integrations.loading import load_batch
from toque.integrations.sources.postgresql import PostgreSQLChanges
from toque.integrations.warehouses.duckdb import DuckDBWarehouse
from toque.ports.sources import Batch

ROWS = 1_000_000
DECODED = 999_999
FILE_BYTES = 1_000_000_000


def measure_merge() -> list[Measurement]:
    """A million changes into a million rows, half of which are there; a tenth are deletes. With digest and staging."""
    with tempfile.TemporaryDirectory() as folder:
        warehouse = DuckDBWarehouse(Path(folder, "warehouse.duckdb"))
        spec = LoadSpec(table=TableName.parse("raw.rows"), mode=Merge("id"))
        load_batch(_batch(0, 1), warehouse, spec, source="bench")
        batch = _batch(ROWS // 2, 2)
        started = time.perf_counter()
        done = load_batch(batch, warehouse, spec, source="bench")
        seconds = time.perf_counter() - started
    note = f"{done.inserted:,} inserted, {done.updated:,} updated, {done.deleted:,} deleted"
    return [Measurement(f"merge of {ROWS:,} changed rows into DuckDB", seconds, "s", at_most=5, note=note)]


def measure_decode() -> list[Measurement]:
    """From the log of a real PostgreSQL to Arrow: eight columns, a third each of inserts, updates and deletes."""
    with postgresql("wal_level=logical") as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE rows (id bigint PRIMARY KEY, name text, amount numeric(10, 2), at timestamptz,"
                " day date, flag boolean, ratio double precision, n int)"
            )
            source = PostgreSQLChanges(url, "public.rows")
            (snapshot,) = source.read("")
            third = DECODED // 3
            connection.execute(
                f"INSERT INTO rows SELECT i, 'name ' || i, i / 100.0, now(), current_date, i % 2 = 0, i / 7.0, i"
                f" FROM generate_series(1, {third}) AS i".encode()
            )
            connection.execute("UPDATE rows SET n = n + 1")
            connection.execute("DELETE FROM rows")
        started = time.perf_counter()
        rows = sum(batch.rows.num_rows for batch in source.read(snapshot.upto))
        seconds = time.perf_counter() - started
    return [Measurement("decode of PostgreSQL's log", rows / seconds, "rows/s", at_least=30_000, note=f"{rows:,} rows")]


def measure_file() -> list[Measurement]:
    """A CSV of a gigabyte by `toque run`: the largest process of the run, as its share of memory."""
    with project("loaded") as place:
        (place.path / "drop").mkdir()
        rows = _write_csv(place.path / "drop" / "orders.csv")
        with open(place.path / "toque.toml", "a") as settings:
            settings.write('[bundle]\nexclude = ["drop/"]\n')
            settings.write('[connections.drop]\ntype = "file"\npath = "drop"\n')
            settings.write('[connections.warehouse]\ntype = "duckdb"\npath = "warehouse.duckdb"\n')
        started = time.perf_counter()
        with place.start("run", "loaded.py") as process:
            peak_mb = _largest_of(process)
        seconds = time.perf_counter() - started
        if process.returncode != 0:
            raise RuntimeError(f"the load failed: {(place.path / 'started.log').read_text()[-1000:]}")
    note = f"{rows:,} rows in {seconds:.0f} s"
    return [Measurement("a CSV of 1 GB: largest process (PSS)", peak_mb, "MB", at_most=400, note=note)]


def measure() -> list[Measurement]:
    """All."""
    return [*measure_merge(), *measure_decode(), *measure_file()]


def _write_csv(path: Path) -> int:
    rows = 0
    with open(path, "wb") as file:
        while file.tell() < FILE_BYTES:
            numbers = range(rows, rows + 100_000)
            columns = {"id": pa.array(numbers), "amount": pa.array([n / 8 for n in numbers])}
            columns |= {name: pa.array([f"{name} {n} of the shop" for n in numbers]) for name in ("name", "city")}
            pa.csv.write_csv(pa.table(columns), file, pa.csv.WriteOptions(include_header=not rows))
            rows += 100_000
    return rows


def _largest_of(process: subprocess.Popen[bytes]) -> float:
    peak_mb = 0.0
    while process.poll() is None:
        for each in family(process.pid):
            with suppress(OSError, RuntimeError):
                peak_mb = max(peak_mb, pss_mb(each.pid))
        time.sleep(0.1)
    return peak_mb


def _batch(first: int, version: int) -> Batch:
    ids = pa.array(range(first, first + ROWS), pa.int64())
    return Batch(
        rows=pa.table(
            {
                "id": ids,
                "name": pa.array([f"name {version} {n}" for n in range(ROWS)]),
                "amount": pa.array([n * version / 8 for n in range(ROWS)]),
                "n": pa.array([n * version for n in range(ROWS)]),
            }
        ),
        since=str(version - 1),
        upto=str(version),
        deleted=pa.array([version > 1 and n % 10 == 0 for n in range(ROWS)]),
        order=pa.repeat(pa.scalar(version, pa.int64()), ROWS),
    )
