"""Connections as objects: what a task is given, and records that come from and go to an API and a database."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
import pytest

from tests.integration.nodes.conftest import Project
from tests.postgres import PostgresServer


class Shop:
    """Two orders to read, and people that are put."""

    def __init__(self) -> None:
        self.people: dict[str, Any] = {}
        self.tokens: set[str] = set()
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer({"data": [{"id": 1, "total": 2.5}, {"id": 2, "total": 7.0}]})

            def do_PUT(self) -> None:
                size = int(self.headers["content-length"])
                shop.people[self.path.rpartition("/")[2]] = json.loads(self.rfile.read(size))
                self._answer({})

            def _answer(self, content: object) -> None:
                shop.tokens.add(self.headers["authorization"])
                body = json.dumps(content).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.close()


def test_records_of_an_api_are_loaded_and_sent(project: Project, shop: Shop) -> None:
    project.settings += f"""
[connections.shop]
type = "http"
url = "{shop.url}"
auth = {{ auth = "bearer", token = "t0ken" }}
[connections.shop.targets.people]
upsert = {{ method = "PUT", path = "/people/{{id}}" }}
"""
    pipeline = project.load(
        """
        from toque import Http, Merge, Upsert, Warehouse, load, pipeline, sync

        shop, warehouse = Http("shop"), Warehouse("warehouse")
        orders = warehouse.table("raw.orders")
        whole = pipeline("whole", assets=[
            sync(orders, into=shop.target("people"), mode=Upsert("id"), fields={"total": "spent"}),
            load(shop.records("/orders", records="data"), into=orders, mode=Merge("id")),
        ])
        """
    )
    ran = project.run(pipeline)
    assert ran.result("raw_orders")["inserted"] == 2
    assert ran.result("shop_people")["accepted"] == 2
    assert shop.people == {"1": {"id": 1, "spent": 2.5}, "2": {"id": 2, "spent": 7.0}}
    assert shop.tokens == {"Bearer t0ken"}


def test_rows_go_to_a_table_of_postgresql_and_come_back_by_a_query(project: Project, postgres: PostgresServer) -> None:
    url = postgres.create("template1")
    project.connect("app", type="postgresql", url=url)
    project.execute("CREATE TABLE scores AS SELECT 1 AS id, 7 AS score")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE scores (id int PRIMARY KEY, score int)")
    pipeline = project.load(
        """
        from toque import Postgres, Replace, Upsert, Warehouse, load, pipeline, sync

        app, warehouse = Postgres("app"), Warehouse("warehouse")
        fields = {"id": "id", "score": "score"}
        whole = pipeline("whole", assets=[
            load(app.query("SELECT id, score + 1 AS score FROM scores", name="more"), into=warehouse.table("back"), mode=Replace()),
            sync(warehouse.table("scores"), into=app.table("public.scores"), mode=Upsert("id"), fields=fields),
        ])
        """  # noqa: E501
    )
    project.run(pipeline)
    assert project.run(pipeline).result("back")["inserted"] == 1
    assert project.rows("SELECT id, score FROM back") == [(1, 8)]
    postgres.drop(url)


def test_a_task_is_given_a_warehouse_that_can_be_asked(project: Project) -> None:
    pipeline = project.load(
        """
        from toque import Warehouse, pipeline, task, use

        warehouse = Warehouse("warehouse")

        @task
        def ask(shop: Warehouse = use(warehouse)) -> list:
            shop.execute("CREATE TABLE t AS SELECT range AS id FROM range(3)")
            with shop.session() as session:
                session.execute("DELETE FROM t WHERE id = 0")
            return [shop.type, shop.read("SELECT id FROM t WHERE id < ? ORDER BY id", [2]).to_pylist()]

        @pipeline
        def whole():
            ask()
        """
    )
    assert project.run(pipeline).result("ask") == ["duckdb", [{"id": 1}]]


def test_a_connection_of_ones_own_has_ways_of_its_own(project: Project) -> None:
    project.connect("meters", type="meters", count="2")
    pipeline = project.load(
        """
        import pyarrow as pa
        from toque import Append, Connection, Rows, Warehouse, load, pipeline
        from toque.ports.sources import Batch

        class Readings:
            def __init__(self, name, count):
                self.name, self.count = name, count

            def read(self, cursor):
                yield Batch(rows=pa.table({"id": list(range(self.count))}), since=cursor, upto="1")

            def confirm(self, cursor): ...

        class Meters(Connection):
            count: int

            def readings(self, name):
                return Rows(self, name, "readings")

            def read_readings(self, key, path):
                return Readings(key, self.count)

        meters, warehouse = Meters("meters"), Warehouse("warehouse")
        whole = pipeline("whole", assets=[
            load(meters.readings("hall"), into=warehouse.table("raw.hall"), mode=Append("id")),
        ])
        """
    )
    ran = project.run(pipeline)
    assert (ran.result("raw_hall")["inserted"], ran.result("raw_hall")["source"]) == (2, "meters.hall")


def test_what_a_connection_cannot_do_is_said(project: Project) -> None:
    pipeline = project.load(
        """
        from toque import Append, Rows, Warehouse, load, pipeline

        warehouse = Warehouse("warehouse")
        whole = pipeline("whole", assets=[
            load(Rows(warehouse, "x", "stars"), into=warehouse.table("raw.x"), mode=Append()),
        ])
        """
    )
    assert "warehouse.x: a Warehouse cannot read a stars" in project.run(pipeline).error("raw_x").message
