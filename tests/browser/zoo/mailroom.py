"""The post of the zoo: patrons, checked as they come, and letters to those that changed."""

from __future__ import annotations

import duckdb

from toque import Upsert, Warehouse, asset, not_null, pipeline, row_count, sync, task
from toque.ports.destinations import Result


class Post:
    """Takes a letter to whoever has an address."""

    name = "post"
    batch_size = 10

    def send(self, operation, records):
        return [Result(accepted="@" in record.fields.get("email", "@"), reason="no address") for record in records]


post, barn = Post(), Warehouse("barn")
PATRONS = [{"id": 1, "email": "ada@zoo.example"}, {"id": 2, "email": None}, {"id": 3, "email": "cy@zoo.example"}]


@asset(group="post", checks=[not_null("email").quarantine(), row_count(min=10).warn(), row_count(min=1).named("some")])
def patrons() -> list[dict]:
    """Who gets letters."""
    return PATRONS


@task
def address() -> int:
    with duckdb.connect("barn.duckdb") as shelf:
        shelf.execute("CREATE OR REPLACE TABLE letters (id INT, email VARCHAR)")
        shelf.execute("INSERT INTO letters VALUES (1, 'ada@zoo.example'), (2, 'nobody'), (3, 'cy@zoo.example')")
    return 3


mailing = sync(barn.table("letters"), into=post, mode=Upsert("id"), fields={"id": "id", "email": "email"}, tolerate=2)
joining = pipeline("joining", assets=[patrons])


@pipeline
def posting():
    """Letters, once each."""
    mailing.after(address())()
