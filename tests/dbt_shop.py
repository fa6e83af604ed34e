"""A small dbt project for tests: a seed, views, tables, one test that fails in the middle, one that only warns."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

FILES = {
    "dbt_project.yml": """
        name: shop
        version: "1.0"
        profile: shop
        model-paths: [models]
        seed-paths: [seeds]
    """,
    "seeds/orders.csv": """
        id,amount,email
        1,10,ann@example.com
        2,20,bob@example.com
        3,,ann@example.com
    """,
    "models/staged.sql": "select id, amount, email from {{ ref('orders') }}",
    "models/apart.sql": """
        {{ config(materialized="table") }}
        select count(*) as n, sum(p.points) as points
        from {{ ref('orders') }} cross join {{ source('crm', 'points') }} as p
    """,
    "models/totals.sql": """
        {{ config(materialized="table") }}
        select email, sum(amount) as total from {{ ref('staged') }} group by email
    """,
    "models/shop.yml": """
        sources:
          - name: crm
            schema: raw
            tables:
              - name: points
                description: Points of people.
        models:
          - name: staged
            description: Orders, as they came.
            columns:
              - name: amount
                data_tests: [not_null]
              - name: id
                data_tests: [unique]
              - name: email
                data_tests:
                  - unique:
                      config:
                        severity: warn
          - name: totals
            columns:
              - name: email
                data_tests: [unique]
        unit_tests:
          - name: adds_up
            model: totals
            given:
              - input: ref('staged')
                rows: [{email: a, amount: 2}, {email: a, amount: 3}]
            expect:
              rows: [{email: a, total: 5}]
        exposures:
          - name: weekly
            type: dashboard
            owner: {name: Ann}
            depends_on: [ref('totals')]
    """,
}

GATED = """
    {{ config(materialized="table") }}
    select * from read_csv('{{ env_var("GATE") }}', header = true, auto_detect = false, columns = {'id': 'INTEGER'})
    where id <= (select max(id) from {{ ref('orders') }})
"""
"""A model that waits where `$GATE` is a named pipe, until somebody writes into it."""


def write(project: Path, **more: str) -> None:
    """Write the project; `more` are models by their names."""
    texts = {**FILES, **{f"models/{name}.sql": text for name, text in more.items()}}
    for name, text in texts.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"))
