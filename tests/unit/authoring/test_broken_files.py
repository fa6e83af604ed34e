"""Mistakes in whole files, with the whole text of their errors."""

from __future__ import annotations

import pytest

from tests.unit.authoring.conftest import Refused

CASES: dict[str, tuple[str, str]] = {
    "a syntax error": (
        """
from toque import pipeline
@pipeline
def flights(
""",
        """
flows.py:3  def flights(
  SyntaxError: '(' was never closed.
""",
    ),
    "an import that is not there": (
        """
import nowhere_to_be_found
""",
        """
flows.py:1  import nowhere_to_be_found
  ModuleNotFoundError: No module named 'nowhere_to_be_found'
  Fix: install nowhere_to_be_found in this environment, or correct the name
""",
    ),
    "an exception at import": (
        """
def compute():
    return 1 / 0
compute()
""",
        """
flows.py:2  return 1 / 0
  ZeroDivisionError: division by zero
""",
    ),
    "the end of the process at import": (
        """
import sys
sys.exit(3)
""",
        """
flows.py:2  sys.exit(3)
  The file ends the process (sys.exit(3)) when it is imported.
  Fix: if __name__ == "__main__": around it
""",
    ),
    "a task called at import": (
        """
from toque import task
@task
def extract(table: str) -> str: ...
extract("a")
""",
        """
flows.py:4  extract("a")
  extract is called at the top level of a module, so it would run at every import.
  Fix: call extract in the body of a @pipeline or @flow
""",
    ),
    "an exception in the body of a pipeline": (
        """
from toque import pipeline
@pipeline
def flights():
    {}["key"]
""",
        """
flows.py:4  {}["key"]
  KeyError: 'key'
""",
    ),
    "two pipelines of one name": (
        """
from toque import pipeline
@pipeline
def flights(): ...
@pipeline(name="flights")
def others(): ...
""",
        """
flows.py:4  @pipeline(name="flights")
  The name flights is taken by another pipeline in flows.py.
  Fix: @pipeline(name="flights_2")
""",
    ),
    "an async pipeline": (
        """
from toque import pipeline
@pipeline
async def flights(): ...
""",
        """
flows.py:2  @pipeline
  flights is async, and a pipeline only wires tasks.
  Fix: @flow, or def without async
""",
    ),
    "an unknown option of a pipeline": (
        """
from toque import pipeline
@pipeline(retries=3)
def flights(): ...
""",
        """
flows.py:2  @pipeline(retries=3)
  A pipeline has no option 'retries'.
  Fix: @task(retries=…) on the tasks of the pipeline
""",
    ),
    "star args": (
        """
from toque import pipeline
@pipeline
def flights(*years: int): ...
""",
        """
flows.py:2  @pipeline
  flights takes *years, and the parameters of a run have names.
  Fix: years: list[str] = []
""",
    ),
    "a parameter without a JSON form": (
        """
from toque import pipeline
class Client: ...
@pipeline
def flights(client: Client): ...
""",
        """
flows.py:3  @pipeline
  client: Client cannot be a parameter of a run: it has no JSON form.
  Fix: JSON types, dates, Decimal, Path, Enum or a pydantic model
""",
    ),
    "a pipeline that contains itself": (
        """
from toque import pipeline
@pipeline
def inner():
    outer()
@pipeline
def outer():
    inner()
""",
        """
flows.py:7  inner()
  inner contains itself: inner → outer → inner.
  Fix: a @flow, whose graph unfolds at run time
""",
    ),
    "a mapped group that returns a tuple": (
        """
from toque import each, group, pipeline, task
@task
def pages(file: str) -> list[int]: ...
@group
def ingest(file: str):
    return pages(file), 3
@pipeline
def flights():
    ingest.map(each(["a"]))
""",
        """
flows.py:4  @group
  The mapped group ingest returns tuple; it must return the result of one of its tasks, or nothing.
  Fix: combine what it returns in a task, and return that task's result
""",
    ),
    "an item that escapes its mapped group": (
        """
from toque import each, group, pipeline, task
seen = []
@task
def pages(file: str) -> list[int]: ...
@group
def ingest(file: str):
    seen.append(file)
@pipeline
def flights():
    ingest.map(each(["a"]))
    pages(seen[0])
""",
        """
flows.py:11  pages(seen[0])
  One item of file exists inside of the mapped group only.
  Fix: return a result from the group and use the result of the .map()
""",
    ),
    "a result that escapes its mapped group": (
        """
from toque import each, group, pipeline, task
seen = []
@task
def pages(file: str) -> list[int]: ...
@group
def ingest(file: str):
    seen.append(pages(file))
@pipeline
def flights():
    ingest.map(each(["a"]))
    pages.options(name="more")(seen[0])
""",
        """
flows.py:11  pages.options(name="more")(seen[0])
  ingest.pages was made inside the mapped ingest: outside of it there are many of them.
  Fix: return it from ingest and use the result of the .map()
""",
    ),
    "a result of another pipeline": (
        """
from toque import pipeline, task
seen = []
@task
def pages(file: str) -> str: ...
@pipeline
def one():
    seen.append(pages("a"))
@pipeline
def two():
    pages(seen[0])
""",
        """
flows.py:10  pages(seen[0])
  The result of pages belongs to the pipeline one, not to two.
  Fix: pass it as a parameter, or call that pipeline in this one
""",
    ),
    "a run at import": (
        """
from toque import pipeline
@pipeline
def flights(): ...
flights.run()
""",
        """
flows.py:4  flights.run()
  flights is called at the top level of a module, so it would run at every import.
  Fix: if __name__ == "__main__": flights.run()
""",
    ),
    "two tasks that wait for each other": (
        """
from toque import pipeline, task
@task
def pages(given): ...
@task
def links(given): ...
@pipeline
def flights():
    found = pages(linked)
    linked = links(found)
""",
        """
flows.py:8  found = pages(linked)
  UnboundLocalError: cannot access local variable 'linked' where it is not associated with a value
  Fix: call what makes linked first; two tasks cannot wait for each other
""",
    ),
    "a hook that is no task": (
        """
from toque import pipeline
def page(report): ...
@pipeline(on_failure=page)
def flights(): ...
""",
        """
flows.py:3  @pipeline(on_failure=page)
  on_failure=page is not a task.
  Fix: on_failure=some_task, without calling it
""",
    ),
    "a lambda as a retry rule": (
        """
from toque import Retry, task
@task(retries=Retry(3, on=lambda error: True))
def extract(): ...
""",
        """
flows.py:2  @task(retries=Retry(3, on=lambda error: True))
  A lambda cannot be a retry rule: a worker finds code by its name, and a lambda has none.
  Fix: define it with `def` at the top level of the module
""",
    ),
    "a resource that does not yield": (
        """
from toque import resource
@resource
def shop():
    return 3
""",
        """
flows.py:2  @resource
  shop cannot be a resource: it does not yield what it opens.
  Fix: open it, `yield` it once, and close it after the yield
""",
    ),
    "a lasting resource that needs an interval": (
        """
from toque import Interval, resource, use
@resource
def shop(window: Interval = use(Interval)):
    yield 3
""",
        """
flows.py:2  @resource
  shop lives as long as its worker, and window only for one attempt.
  Fix: @resource(scope="attempt")
""",
    ),
    "use of something else": (
        """
from toque import task, use
@task
def extract(client: int = use(3)): ...
""",
        """
flows.py:3  def extract(client: int = use(3)): ...
  use() cannot supply 3.
  Fix: a @resource, a Connection, an asset, a Variable, a Secret, Interval, Partition or Span
""",
    ),
    "a connection whose class nobody finds": (
        """
from toque import Connection, task, use
def made():
    class Shop(Connection): ...
    return Shop("shop")
@task
def extract(shop: Connection = use(made())): ...
""",
        """
flows.py:6  def extract(shop: Connection = use(made())): ...
  Shop cannot be the class of the connection shop: it is defined inside made(), where a worker cannot find it.
  Fix: define it with `def` at the top level of the module
""",
    ),
    "an interval inside a list": (
        """
from toque import Interval, pipeline, task, use
@task
def extract(windows: list[Interval]): ...
@pipeline
def flights(window: Interval = use(Interval)):
    extract([window])
""",
        """
flows.py:6  extract([window])
  window is supplied by the worker: it can be a whole argument of a task only.
  Fix: some_task(window=window)
""",
    ),
    "a decorated twice": (
        """
from toque import flow, task
@task
@flow
def extract(): ...
""",
        """
flows.py:2  @task
  <flow extract> is decorated twice.
  Fix: one of the decorators
""",
    ),
    "an async group": (
        """
from toque import group
@group
async def ingest(): ...
""",
        """
flows.py:2  @group
  ingest is async, and a group only wires tasks.
  Fix: def without async
""",
    ),
    "an option that a group has not": (
        """
from toque import group
@group(retries=3)
def ingest(): ...
""",
        """
flows.py:2  @group(retries=3)
  A group has no option 'retries'.
  Fix: @task(retries=…) on the tasks of the group
""",
    ),
    "no slots": (
        """
from toque import Pool, task
@task(pool=Pool("db", 0))
def ingest(): ...
""",
        """
flows.py:2  @task(pool=Pool("db", 0))
  Pool('db', 0) claims nothing.
  Fix: 1 slot or more
""",
    ),
    "a size": (
        """
from toque import task
@task(memory_limit="lots")
def ingest(): ...
""",
        """
flows.py:2  @task(memory_limit="lots")
  memory_limit='lots' is not a size.
  Fix: bytes, or "512MB", "2GiB"
""",
    ),
    "max_active_runs": (
        """
from toque import pipeline
@pipeline(max_active_runs=0)
def ingest(): ...
""",
        """
flows.py:2  @pipeline(max_active_runs=0)
  max_active_runs=0 would let nothing run.
  Fix: 1 or more
""",
    ),
    "tags": (
        """
from toque import task
@task(tags="raw")
def ingest(): ...
""",
        """
flows.py:2  @task(tags="raw")
  tags is one string.
  Fix: tags=['raw']
""",
    ),
    "a class": (
        """
from toque import task
@task
class Ingest: ...
""",
        """
flows.py:2  @task
  <class 'flows.Ingest'> is not a function, so it cannot be a task.
  Fix: a function made with def
""",
    ),
    "exits": (
        """
from toque import shell
dump = shell("pg_dump", exits={3: "retries"})
""",
        """
flows.py:2  dump = shell("pg_dump", exits={3: "retries"})
  exits={3: 'retries'} maps no exit code.
  Fix: exits={99: "skip", 75: "retry"}
""",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_broken_file_is_named_with_its_line_and_the_fix(case: str, refused: Refused) -> None:
    source, expected = CASES[case]
    assert refused(source) == expected.strip("\n")
