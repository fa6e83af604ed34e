"""A dbt project of 60 models: built by `toque run`, shell to shell, and by the bare `dbt build` with the same flags."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import time
from pathlib import Path

from benchmarks import processes
from benchmarks.measurement import Measurement
from benchmarks.project import Project, project

LAYERS, WIDTH, ROWS = 6, 10, 200_000
ROUNDS = 3
THREADS = 2
_PIPELINE = f"""\
from toque import DbtProject, Warehouse, pipeline

models = DbtProject("dbt", connection=Warehouse("warehouse"), threads={THREADS})
shop = pipeline("shop", assets=[models])
"""


def measure() -> list[Measurement]:
    """Interleaved, after one build of each; medians. Each has parsed the project before, as it always has but once."""
    with project() as made:
        _write(made.path)
        took: dict[str, list[float]] = {"bare": [], "toque": []}
        for number in range(ROUNDS + 1):
            for name, build in (("bare", _bare), ("toque", _toque)):
                started = time.perf_counter()
                build(made)
                if number:
                    took[name].append(time.perf_counter() - started)
    bare, toque = (statistics.median(took[name]) for name in ("bare", "toque"))
    note = f"{toque:.1f} s against {bare:.1f} s, {LAYERS * WIDTH} models with a test each, {THREADS} threads"
    return [Measurement("dbt project, more than the bare build", (toque / bare - 1) * 100, "%", at_most=10, note=note)]


def _write(root: Path) -> None:
    (root / "toque.toml").write_text(
        'name = "bench"\nworkers = 2\n[connections.warehouse]\ntype = "duckdb"\npath = "toque.duckdb"\n'
    )
    (root / "shop.py").write_text(_PIPELINE)
    models = root / "dbt" / "models"
    models.mkdir(parents=True)
    (root / "dbt" / "dbt_project.yml").write_text("name: shop\nversion: '1.0'\nprofile: shop\n")
    tested = []
    for layer in range(LAYERS):
        for at in range(WIDTH):
            name = f"m{layer}_{at}"
            source = f"range({ROWS}) as source(id)" if layer == 0 else f"{{{{ ref('m{layer - 1}_{at}') }}}} as source"
            sql = f"select id, id % {at + 7} as bucket, hash(id) as h from {source} order by h"
            (models / f"{name}.sql").write_text(f'{{{{ config(materialized="table") }}}}\n{sql}\n')
            tested.append({"name": name, "columns": [{"name": "id", "data_tests": ["unique"]}]})
    (models / "shop.yml").write_text(json.dumps({"models": tested}))
    output = {"type": "duckdb", "path": str(root / "bare.duckdb"), "threads": THREADS, "settings": {"TimeZone": "UTC"}}
    (root / "profiles").mkdir()
    profiles = {"shop": {"target": "toque", "outputs": {"toque": output}}}
    (root / "profiles" / "profiles.yml").write_text(json.dumps(profiles))


def _bare(made: Project) -> None:
    dbt = str(Path(sys.executable).parent / "dbt")
    target = made.path / "target"
    shutil.rmtree(target / "compiled", ignore_errors=True)
    command = [dbt, "build", "--project-dir", str(made.path / "dbt"), "--profiles-dir", str(made.path / "profiles")]
    command += ["--target-path", str(target), "--log-path", str(target), "--threads", str(THREADS)]
    command += ["--log-format", "json", "--log-level", "debug"]
    quiet = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "0", "DBT_VERSION_CHECK": "0", "DBT_LOG_LEVEL_FILE": "none"}
    processes.run(command, cwd=made.path, env={**made.env, "PATH": os.environ["PATH"], **quiet}, timeout_s=600)


def _toque(made: Project) -> None:
    made.toque("run", "shop.py", timeout_s=600)
