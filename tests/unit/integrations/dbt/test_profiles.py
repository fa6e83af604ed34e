"""Profiles made of connections: nothing secret is in them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from toque.errors import UserError
from toque.integrations.dbt.profiles import profile_of
from toque.settings import Connection, Secret


def connection(kind: str, **options: object) -> Connection:
    return Connection(name="warehouse", type=kind, options=options)


def secret(name: str, value: str) -> Secret:
    return Secret("env", name, environ={name: value})


def test_a_duckdb_file_is_meant_from_the_project(tmp_path: Path) -> None:
    found = profile_of(connection("duckdb", path="out/w.duckdb", memory_limit="1GB"), project=tmp_path, threads=2)
    assert found.output == {
        "type": "duckdb",
        "path": str(tmp_path / "out/w.duckdb"),
        "schema": "main",
        "threads": 2,
        "settings": {"TimeZone": "UTC"},
        "config_options": {"memory_limit": "1GB"},
    }
    assert found.environment == {}


def test_the_password_of_a_url_goes_by_the_environment(tmp_path: Path) -> None:
    url = "postgresql://ann:p%40ss@db.example.com:5433/shop?sslmode=require"
    found = profile_of(connection("postgresql", url=url), project=tmp_path, schema="marts")
    assert found.output == {
        "type": "postgres",
        "host": "db.example.com",
        "port": 5433,
        "user": "ann",
        "password": "{{ env_var('DBT_ENV_SECRET_TOQUE_PASSWORD') }}",
        "dbname": "shop",
        "schema": "marts",
        "sslmode": "require",
        "threads": 4,
    }
    assert found.environment == {"DBT_ENV_SECRET_TOQUE_PASSWORD": "p@ss"}
    assert found.secrets == ("p@ss",)


def test_of_a_url_that_is_secret_as_a_whole_nothing_reaches_the_disk(tmp_path: Path) -> None:
    url = secret("URL", "postgresql://ann:hush@db.example.com/shop")
    found = profile_of(connection("postgresql", url=url), project=tmp_path)
    found.write(tmp_path / "profiles", "shop")
    text = (tmp_path / "profiles" / "profiles.yml").read_text()
    assert not any(part in text for part in ("ann", "hush", "db.example.com"))
    assert set(found.environment.values()) == {"ann", "hush", "db.example.com", "shop"}
    assert msgspec.json.decode(text)["shop"]["target"] == "toque"


def test_a_socket_of_postgresql_is_a_host(tmp_path: Path) -> None:
    found = profile_of(connection("postgresql", url="postgresql://postgres@/shop?host=/run/pg"), project=tmp_path)
    assert (found.output["host"], found.output["dbname"], found.output["password"]) == ("/run/pg", "shop", "")


def test_snowflake_is_given_what_it_knows(tmp_path: Path) -> None:
    options = {
        "account": "acme",
        "user": "ann",
        "password": secret("P", "hush"),
        "database": "SHOP",
        "paramstyle": "qmark",
    }
    found = profile_of(connection("snowflake", **options), project=tmp_path)
    assert found.output == {
        "type": "snowflake",
        "account": "acme",
        "user": "ann",
        "password": "{{ env_var('DBT_ENV_SECRET_TOQUE_PASSWORD') }}",
        "database": "SHOP",
        "threads": 4,
    }


def test_a_machine_that_only_looks_needs_no_secret(tmp_path: Path) -> None:
    missing = Connection(name="warehouse", type="postgresql", options={"url": Secret("env", "NOT_SET", environ={})})
    assert profile_of(missing, project=tmp_path, reveal=False).adapter == "postgres"
    with pytest.raises(UserError, match="NOT_SET"):
        profile_of(missing, project=tmp_path)


def test_a_connection_that_dbt_does_not_build_in_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="of type salesforce, and dbt builds in duckdb, postgresql, snowflake"):
        profile_of(connection("salesforce"), project=tmp_path)
    with pytest.raises(UserError, match="has no 'path'"):
        profile_of(connection("duckdb"), project=tmp_path)
