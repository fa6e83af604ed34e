"""Manifests for tests: what dbt would leave of a small project, without dbt."""

from __future__ import annotations

from typing import Any

import msgspec

from toque.integrations.dbt.manifest import Manifest, read

Raw = dict[str, Any]


def model(name: str, *above: str, kind: str = "model", **more: Any) -> tuple[str, Raw]:
    """A model, seed or snapshot that reads others, by their names (`seed.a`, `source.crm.b`)."""
    config = {"materialized": more.pop("materialized", "table"), "enabled": more.pop("enabled", True)}
    unique_id = f"{kind}.shop.{name}"
    return unique_id, {
        "unique_id": unique_id,
        "resource_type": kind,
        "name": name,
        "schema": "marts",
        "alias": name,
        "original_file_path": f"models/{name}.sql",
        "depends_on": {"nodes": [_full(each) for each in above]},
        "checksum": {"name": "sha256", "checksum": f"{name:0<40}"},
        "config": config,
        "relation_name": f'"db"."marts"."{name}"',
        **more,
    }


def check(name: str, *about: str, severity: str = "error", **more: Any) -> tuple[str, Raw]:
    """A test of models."""
    unique_id = f"test.shop.{name}.0a1b2c"
    return unique_id, {
        "unique_id": unique_id,
        "resource_type": "test",
        "name": name,
        "alias": name,
        "schema": "marts_dbt_test__audit",
        "original_file_path": "models/shop.yml",
        "depends_on": {"nodes": [_full(each) for each in about]},
        "config": {"severity": severity},
        "attached_node": _full(about[0]) if about else None,
        **more,
    }


def unit(name: str, about: str) -> tuple[str, Raw]:
    """A unit test of a model."""
    unique_id = f"unit_test.shop.{about}.{name}"
    return unique_id, {
        "unique_id": unique_id,
        "resource_type": "unit_test",
        "name": name,
        "schema": "marts",
        "original_file_path": "models/shop.yml",
        "depends_on": {"nodes": [_full(about)]},
        "config": {},
    }


def document(*nodes: tuple[str, Raw], schema: int = 12, **more: Any) -> bytes:
    """A `manifest.json`."""
    raw = {
        "metadata": {
            "dbt_schema_version": f"https://schemas.getdbt.com/dbt/manifest/v{schema}.json",
            "project_name": "shop",
            "adapter_type": "duckdb",
        },
        "nodes": {name: node for name, node in nodes if not name.startswith("unit_test")},
        "unit_tests": {name: node for name, node in nodes if name.startswith("unit_test")},
        "sources": {
            "source.shop.crm.contact": {
                "unique_id": "source.shop.crm.contact",
                "source_name": "crm",
                "name": "contact",
                "schema": "raw",
                "identifier": "contacts",
                "description": "People.",
                "tags": ["crm"],
            }
        },
        **more,
    }
    return msgspec.json.encode(raw)


def manifest(*nodes: tuple[str, Raw], **more: Any) -> Manifest:
    """As Toque reads it."""
    return read(document(*nodes, **more))


def _full(name: str) -> str:
    kind, dot, rest = name.partition(".")
    return f"{kind}.shop.{rest}" if dot else f"model.shop.{name}"
