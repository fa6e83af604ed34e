"""Toque: a data orchestrator. `from toque import pipeline, task, each, when`.

Names are imported when they are first used: a worker that runs one function pays for no more than that.
"""

from __future__ import annotations

_EXPORTS = {
    "toque.authoring.asset_graphs": ("select",),
    "toque.authoring.assets": ("asset",),
    "toque.authoring.automation": ("OnSchedule",),
    "toque.authoring.branches": ("branch", "one_of", "when"),
    "toque.authoring.cutting": (
        *("AllPartitions", "Daily", "Dynamic", "FixedPartitions", "Grid", "Hourly", "LastPartition", "Monthly"),
        *("Static", "Trailing", "Weekly", "Yearly"),
    ),
    "toque.authoring.data_checks": (
        *("accepted_values", "custom_sql", "expression", "in_range", "matches", "not_null", "python_check", "recent"),
        *("relationships", "row_count", "schema", "unique"),
    ),
    "toque.authoring.endpoints": ("Records", "Rows", "Table"),
    "toque.authoring.externals": ("external",),
    "toque.authoring.flows": ("flow",),
    "toque.authoring.freshness": ("Fresh",),
    "toque.authoring.groups": ("group",),
    "toque.authoring.holes": ("each", "failures", "ok", "outcome", "outcomes"),
    "toque.authoring.loads": ("load",),
    "toque.authoring.multi_assets": ("assets",),
    "toque.authoring.options": ("Cache", "Pool", "Retry"),
    "toque.authoring.pipelines": ("pipeline",),
    "toque.authoring.schedules": ("BusinessDays", "Cron", "Every", "RRule"),
    "toque.authoring.setups": ("setup",),
    "toque.authoring.shells": ("shell",),
    "toque.authoring.supplies": ("Connection", "Secret", "Variable", "resource", "use"),
    "toque.authoring.syncs": ("sync",),
    "toque.authoring.tasks": ("task",),
    "toque.graph.automation": ("AllFresh", "Eager", "WhenMissing"),
    "toque.graph.loads": ("Append", "Contract", "Merge", "Replace", "Scd2", "Upsert"),
    "toque.graph.syncs": ("Create", "Guard", "Mirror", "Update"),
    "toque.integrations.connections.files": ("Files",),
    "toque.integrations.connections.http": ("Http",),
    "toque.integrations.connections.salesforce": ("Salesforce",),
    "toque.integrations.connections.stripe": ("Stripe",),
    "toque.integrations.connections.warehouse": ("Postgres", "Snowflake", "Warehouse"),
    "toque.integrations.dbt.project": ("DbtProject",),
    "toque.integrations.dlt.producer": ("dlt_load",),
    "toque.integrations.keeping.parquet": ("Parquet",),
    "toque.errors": ("DataError", "ToqueError", "TransientError", "UserError"),
    "toque.local.result": ("RunFailed",),
    "toque.worker.context": ("Context", "Interval", "artifact", "context", "metric", "progress"),
    "toque.worker.control": ("Cancelled", "NotYet", "Skip"),
    "toque.worker.flow_context": ("now", "random", "sleep", "sleep_blocking", "uuid"),
    "toque.worker.flow_errors": ("FlowDiverged", "StepFailed", "StepSkipped"),
    "toque.worker.outcomes": ("Failure", "Ok", "RunReport", "Skipped"),
    "toque.worker.partitions": ("Partition", "Span", "add_partitions"),
    "toque.worker.shell": ("CommandFailed",),
    "toque.worker.telling": ("materialized", "observe"),
}
_HOME = {name: module for module, names in _EXPORTS.items() for name in names}

__all__ = sorted(_HOME)  # noqa: PLE0605
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    import importlib

    module = _HOME.get(name)
    if module is None:
        raise AttributeError(f"module 'toque' has no attribute {name!r}")
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
