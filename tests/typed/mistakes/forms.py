"""Every form of the authoring API as its users write it. Lines marked `# refused` must be refused by a type checker,
and all others accepted: `tests/typed/test_forms.py` runs mypy --strict and basedpyright over this file."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Literal, assert_type

from toque import (
    Append,
    BusinessDays,
    Cache,
    Connection,
    Contract,
    Cron,
    Every,
    Failure,
    Files,
    Fresh,
    Guard,
    Http,
    Interval,
    Merge,
    Ok,
    Pool,
    Postgres,
    Retry,
    RRule,
    RunReport,
    Salesforce,
    Secret,
    Skipped,
    Snowflake,
    Update,
    Variable,
    Warehouse,
    accepted_values,
    asset,
    branch,
    custom_sql,
    each,
    expression,
    external,
    failures,
    flow,
    group,
    in_range,
    load,
    matches,
    materialized,
    not_null,
    observe,
    ok,
    one_of,
    outcome,
    outcomes,
    pipeline,
    python_check,
    recent,
    relationships,
    resource,
    row_count,
    schema,
    setup,
    shell,
    sync,
    task,
    unique,
    use,
    when,
)
from toque.graph.checks import AnyCheck, NotNull, RowCount
from toque.testing import clock, compare, replace, stub, verify_idempotent, verify_replay


class Table: ...


class Client:
    def get(self, path: str) -> str:
        return path


class Shop(Connection):
    url: str
    token: str


shop = Shop("shop")


@resource
def client(settings: Shop = use(shop)) -> Iterator[Client]:
    yield Client()


@task(retries=Retry(3, delay="5m", backoff=2, cap="1h", jitter=True, on=(TimeoutError, "transient")), timeout="10m")
def extract(table: str, api: Client = use(client)) -> Table:
    return Table()


@task
async def fetch(url: str) -> str:
    return url


@task(pool=["api", Pool("db", 2)], cache=Cache(expires="1d"), tolerate="2%", tags=["raw"], trigger_rule="all_done")
def store(row: str, k: int = 0) -> int:
    return k


@task
def delays(flights: Table, month: int) -> int:
    return month


@task
def worst(parts: list[int], bad: list[Failure]) -> Table:
    return Table()


@task
def mean(parts: Sequence[int]) -> float:
    return 0.0


@task
def kind(table: Table) -> Literal["small", "big"]:
    return "small"


@task
def is_late(table: Table) -> bool:
    return True


@task
def make(nodes: int) -> int:
    return nodes


@task
def drop(cluster: int) -> None: ...


@task
def pages(file: str) -> list[int]:
    return []


@task
def parse(page: int) -> float:
    return 0.0


@task
def judge(how: Ok[Table] | Failure | Skipped) -> None: ...


@task
def judge_all(how: list[Ok[int] | Failure | Skipped]) -> None: ...


@task
def page_oncall(report: RunReport) -> None: ...


@task
def supplied(
    day: date,
    window: Interval = use(Interval),
    token: str = use(Secret("token")),
    limit: int = use(Variable("limit", int)),
    settings: Shop = use(shop),
) -> None: ...


@task
def misled(api: str = use(client)) -> None: ...  # refused


@task(retrys=3)  # refused
def misspelt() -> None: ...


@task(trigger_rule="all_sucess")  # refused
def no_rule() -> None: ...


@group
def ingest(file: str) -> list[float]:
    return parse.options(tolerate="5%").map(each(pages(file)))


dump = shell("pg_dump {db} | gzip > {path}", exits={75: "retry"}, timeout="1h")
wrong_exit = shell("true", exits={75: "again"})  # refused


@pipeline(owner="data-team", max_active_runs=1, overlap="skip", deadline="6h", on_failure=page_oncall)
def flights(year: int = 2013, full: bool = False) -> Table:
    table = extract("flights")
    assert_type(table, Table)
    second = extract.options(name="weather", retries=5).after(table)("weather")
    assert_type(second, Table)
    parts = delays.map(flights=table, month=each(range(1, 13)))
    assert_type(parts, list[int])
    summary = worst(ok(parts), failures(parts))
    mean(parts)
    assert_type(ingest.map(each(["a"])), list[list[float]])
    assert_type(parse.map(each(pages("f"))), list[float])
    assert_type(store.product(each(["a"]), k=each([1, 2])), list[int])
    assert_type(fetch("u"), str)
    assert_type(dump(db="shop", path=Path("x")), str)
    with when(is_late(summary)) as late:
        a = extract("a")
    with late.otherwise():
        b = extract("b")
    assert_type(one_of(a, b), Table)
    size = branch(kind(table))
    with size.case("small"):
        judge(outcome(a))
    with size.case("huge"):  # refused
        judge_all(outcomes(parts))
    with size.otherwise():
        fetch("v")
    with setup(make(4), teardown=drop) as cluster:
        assert_type(cluster, int)
    with setup(make(4), teardown=fetch):  # refused
        pass
    delays.map(table, range(1, 13))  # refused
    delays.map(table)  # refused
    delays(table, "one")  # refused
    delays(table, 1, day=3)  # refused
    extract.options(retrys=3)  # refused
    extract.options(retries="3")  # refused
    with when(make(3)):  # refused
        pass
    worst(parts)  # refused
    judge(a)  # refused
    return summary


@pipeline
def outer(name: str) -> Table:
    assert_type(flights(year=2014), Table)
    assert_type(flights.map(year=each([1, 2])), list[Table])
    flights(year="2014")  # refused
    return flights.options(name="again").after(name)(full=True)


@flow
async def crawl(start: str) -> list[int]:
    page = await fetch.submit(start)
    assert_type(page, str)
    rows = await asyncio.gather(*(store.submit(row) for row in page), fetch.submit("x"))
    assert_type(await store.submit.map(each(["a"]), k=1), list[int])
    async with asyncio.TaskGroup() as together:
        together.create_task(nested_call())
    await asyncio.sleep(3600)
    await store.submit(3)  # refused
    return [len(rows)]


async def nested_call() -> list[int]:
    return await crawl.submit("start")


@flow(timeout="1h")
def loop(n: int) -> int:
    return sum(store(str(i)) for i in range(n)) + store.submit("last").result()


@pipeline(on_failure=extract)  # refused
def wrong_hook() -> None: ...


@pipeline(schedule=Cron("0 2 * * *", tz="Europe/Madrid", parameters={"year": 2013}, catchup="all", catchup_limit=7))
def nightly(year: int = 2013) -> None: ...


@pipeline(
    schedule=[
        Every("15m", anchor="2026-01-01", jitter="30s", name="often"),
        RRule("FREQ=MONTHLY;BYDAY=-1FR", start=date(2026, 1, 1), end="2027-01-01T09:00Z", paused=True),
        BusinessDays(["09:00", "18:00"], nth=(1, -1), weekdays="sun-thu", calendar=Path("holidays.txt")),
    ]
)
def several() -> None: ...


@flow(schedule=Every(3600))
def hourly() -> None: ...


Cron("0 2 * * *", catchup="some")  # refused
Cron(2)  # refused
Cron("0 2 * * *", zone="Europe/Madrid")  # refused
BusinessDays(9)  # refused
Every("15m", anchor=3)  # refused


@pipeline(schedule="0 2 * * *")  # refused
def no_schedule() -> None: ...


def in_a_test(tmp_path: Path) -> None:
    with clock("2026-03-29T00:30Z") as time, stub(extract, returns=Table()), replace(client, Client()):
        run = flights.run(year=2013)
        time.advance("5m")
    assert_type(run.result, Table)
    assert_type(run[extract].result, Table)
    with stub(extract, raises=TimeoutError()):
        flights.run("2013")  # refused
    with stub(extract, returns=3):  # refused
        pass
    with replace(shop, Shop("fake")), replace(Interval, Interval(time.now, time.now)):
        pass
    assert_type(verify_idempotent(delays, watch=[tmp_path])(Table(), month=3), int)
    verify_idempotent(delays)(Table())  # refused
    verify_replay(loop)(3)
    verify_replay(loop)("3")  # refused
    compare([{"a": 1}], tmp_path / "known.parquet", key="a")
    crawl.run(start="x")
    crawl.run(begin="x")  # refused


assert_type(not_null("id").quarantine(), NotNull)
assert_type(row_count(min=1).warn(), RowCount)
CHECKS: list[AnyCheck] = [
    not_null("id").quarantine(),
    unique("id", "day").quarantine(at_most="1%").named("one a day"),
    accepted_values("stage", ["lead", "customer"]).warn(),
    relationships("account_id", "raw.account").quarantine(at_most=10),
    in_range("score", min=0, max=100),
    expression("ends_at >= starts_at", name="ends after it starts").quarantine(),
    row_count(min=1).warn(),
    recent("updated_at", "2h"),
    schema({"id": "bigint", "email": "varchar"}, extra=False),
    custom_sql("SELECT 1 FROM {table} WHERE false", name="never").warn(),
    python_check(len),
]
row_count(min=1).quarantine()  # refused
recent("updated_at", "2h").quarantine()  # refused
schema(["id"]).quarantine()  # refused
custom_sql("SELECT 1", name="x").quarantine()  # refused
python_check(len).quarantine()  # refused
not_null()  # refused
not_null("id").quarantine(at_most=0.5)  # refused
in_range("score", 0, 1, 2)  # refused
recent("updated_at")  # refused
custom_sql("SELECT 1")  # refused


crm, app, warehouse, partners = Salesforce("crm"), Postgres("app"), Warehouse("warehouse"), Files("partners")
contacts = load(crm.changes("Contact"), into=warehouse.table("raw.contact"), mode=Merge("Id"), checks=CHECKS)
usage = load(
    app.changes("public.events"),
    into=warehouse.table("raw.events"),
    mode=Append("id"),
    contract=Contract("freeze"),
    retries=5,
    timeout="1h",
)
scores = sync(
    warehouse.table("marts.scores_to_sync"),
    into=crm.object("Contact"),
    mode=Update("Id"),
    fields={"lead_score": "Lead_Score__c"},
    tolerate="2%",
    guard=Guard(deletes=0.5),
    owner="sales",
)
listed = load(Http("shop").records("/orders"), into=warehouse.table("raw.orders"), mode=Merge("id"))
dropped = sync(warehouse.table("a.b"), into=partners.folder("acme"), mode=Update("id"), fields={"id": "id"})


@asset(io=warehouse.tables("marts"), checks=[row_count(min=1)], reads=[contacts.ends])  # refused
def wrong() -> Table:
    return Table()


@asset(io=warehouse.tables("marts"), checks=CHECKS, reads=[warehouse.table("raw.contact"), "crm.Lead"])
def right(shop: Warehouse = use(warehouse)) -> Table:
    observe("crm.Lead", rows=3)
    materialized(warehouse.table("raw.contact"), version="v1")
    return Table()


lake = Snowflake("lake").tables("marts")
GOLDEN = [matches("golden.table", key="id", tolerance=0.01).warn(), matches("golden.table", key=["id", "day"])]


@asset(io=lake, publish="audited", checks=GOLDEN)
def audited() -> Table:
    return Table()


def newest() -> dict[str, object]:
    return {"version": 1, "rows": 2}


@asset(freshness=Fresh(by=Cron("0 9 * * *"), within="12h", warn="1h"), anomalies="error")
def prompt() -> Table:
    return Table()


external("crm.Lead", observe=newest, schedule=Every("15m"), freshness=Fresh("26h"), anomalies="off", tags=["crm"])
external("app.public.events", observe=warehouse.table("public.events", cursor="at"))
external("crm.Lead", freshness="26h")  # refused
external("crm.Lead", observe="SELECT 1")  # refused
Fresh(by="0 9 * * *")  # refused
prompt.options(anomalies="loud")  # refused


matches("golden.table").quarantine()  # refused
audited.options(publish="aside")  # refused

revops = pipeline("revops", assets=[contacts, usage, scores, right], schedule=Cron("*/15 * * * *"))
pipeline("revops", assets=[crm])  # refused
load(crm.object("Contact"), into=warehouse.table("raw.contact"), mode=Merge("Id"))  # refused
load(crm.changes("Contact"), into=crm.object("Contact"), mode=Merge("Id"))  # refused
load(crm.changes("Contact"), into=warehouse.table("raw.contact"), mode=Update("Id"))  # refused
load(crm.changes("Contact"), into=warehouse.table("raw.contact"))  # refused
load(crm.changes("Contact"), into=warehouse.table("raw.contact"), mode=Merge("Id"), tolerate=3)  # refused
load(crm.changes("Contact"), into=warehouse.table("raw.contact"), mode=Merge("Id"), checks=["id"])  # refused
sync(crm.changes("Contact"), into=crm.object("Contact"), mode=Update("Id"), fields={"a": "b"})  # refused
sync(warehouse.table("a.b"), into=crm.object("Contact"), mode=Append(), fields={"a": "b"})  # refused
sync(warehouse.table("a.b"), into=crm.object("Contact"), mode=Update("Id"))  # refused
contacts.options(retries=3).after(right())
contacts.options(mode=Append())  # refused
with stub(contacts, returns={"inserted": 1}), stub(scores, raises=TimeoutError(), times=2):
    assert_type(revops.run()[contacts].state, str)
stub(crm)  # refused
stub(right, returns=Table())
stub(right, returns=3)  # refused
verify_idempotent(contacts, watch=[dict], ignore=["LastModifiedDate"], project=".")(source=object())
assert_type(verify_idempotent(right)(), Table)
verify_idempotent(crm)  # refused
