"""Every mistake in the body of a pipeline that is refused when the file is loaded, with the whole text of its error."""

from __future__ import annotations

import pytest

from tests.unit.authoring.conftest import Refused

HEAD = """\
from typing import Literal
from toque import *
from toque import branch, each, failures, group, ok, one_of, outcome, pipeline, setup, shell, task, when


@task
def extract(table: str) -> str: ...
@task
def delays(flights: str, month: int) -> int: ...
@task
def total(parts: list[int]) -> int: ...
@task
def is_late(minutes: int) -> bool: ...
@task
def kind(minutes: int) -> Literal["small", "big"]: ...
@task
def pair(x: int) -> tuple[int, int]: ...


@pipeline
def flights(year: int = 2013, name: str = "x"):
"""

CASES: dict[str, tuple[str, str]] = {
    "a map without each": (
        'delays.map(flights=extract("f"), month=range(1, 13))',
        """
flows.py:22  delays.map(flights=extract("f"), month=range(1, 13))
  .map() has nothing to iterate: no argument is marked with each().
  Fix: delays.map(flights=extract("f"), month=each(range(1, 13)))
""",
    ),
    "a map without each, by position": (
        'delays.map(extract("f"), [1, 2])',
        """
flows.py:22  delays.map(extract("f"), [1, 2])
  .map() has nothing to iterate: no argument is marked with each().
  Fix: delays.map(extract("f"), each([1, 2]))
""",
    ),
    "a second call": (
        'a = extract("a")\nb = extract("b")',
        """
flows.py:23  b = extract("b")
  extract is called a second time in flights (first at line 22), and a name stands for one node.
  Fix: extract.options(name="extract_2")("b")
""",
    ),
    "a second map": (
        'total(delays.map("f", each([1])))\ndelays.map("g", each([2]))',
        """
flows.py:23  delays.map("g", each([2]))
  delays is called a second time in flights (first at line 22), and a name stands for one node.
  Fix: delays.options(name="delays_2").map("g", each([2]))
""",
    ),
    "the truth of a result": (
        'if is_late(3):\n    extract("a")',
        """
flows.py:22  if is_late(3):
  The result of is_late has no truth value here: it exists at run time only.
  Fix: with when(is_late(3)): …, or decide inside a task
""",
    ),
    "a result in an f-string": (
        "extract(f\"table_{extract('a')}\")",
        """
flows.py:22  extract(f"table_{extract('a')}")
  The result of extract cannot be formatted here: it exists at run time only.
  Fix: pass it to a task and format it there
""",
    ),
    "a loop over a result": (
        'for x in extract("a"):\n    pass',
        """
flows.py:22  for x in extract("a"):
  The result of extract cannot be iterated here: its items exist at run time only.
  Fix: some_task.map(each(extract("a"))), or iterate inside a task
""",
    ),
    "the length of a result": (
        'len(extract("a"))',
        """
flows.py:22  len(extract("a"))
  The result of extract has no length here: it exists at run time only.
  Fix: count inside a task
""",
    ),
    "a comparison": (
        'extract("a") == "b"',
        """
flows.py:22  extract("a") == "b"
  The result of extract cannot be compared here: it exists at run time only.
  Fix: compare inside a task; branch on its result with when() or branch()
""",
    ),
    "arithmetic": (
        'total([extract("a")]) + 1',
        """
flows.py:22  total([extract("a")]) + 1
  The result of total cannot be computed with here: it exists at run time only.
  Fix: compute it inside a task and pass its result
""",
    ),
    "arithmetic with a parameter": (
        'delays("f", year + 1)',
        """
flows.py:22  delays("f", year + 1)
  Parameter year cannot be computed with here: it exists at run time only.
  Fix: compute it inside a task and pass its result
""",
    ),
    "the truth of a parameter": (
        "if year:\n    pass",
        """
flows.py:22  if year:
  Parameter year has no truth value here: it exists at run time only.
  Fix: with when(year): …, or decide inside a task
""",
    ),
    "a method of a result": (
        'extract("a").upper()',
        """
flows.py:22  extract("a").upper()
  .upper of the result of extract cannot be called here: it exists at run time only.
  Fix: call it inside a task
""",
    ),
    "a missing argument": (
        'delays("f")',
        """
flows.py:22  delays("f")
  delays(): missing a required argument: 'month'.
  Fix: the signature is delays(flights: str, month: int)
""",
    ),
    "an unknown argument": (
        'delays("f", 1, day=3)',
        """
flows.py:22  delays("f", 1, day=3)
  delays(): got an unexpected keyword argument 'day'.
  Fix: the signature is delays(flights: str, month: int)
""",
    ),
    "an object as a constant": (
        "extract(object())",
        """
flows.py:22  extract(object())
  A value of type builtins.object cannot be a constant of the graph.
  Fix: make it inside a task (constants are JSON, dates, Decimal, Path, Enum, pydantic models)
""",
    ),
    "a task that is not called": (
        "extract(total)",
        """
flows.py:22  extract(total)
  total is passed on without having been called.
  Fix: total()
""",
    ),
    "a lambda as a task": (
        "task(lambda x: x)",
        """
flows.py:22  task(lambda x: x)
  A lambda cannot be a task: a worker finds code by its name, and a lambda has none.
  Fix: define it with `def` at the top level of the module
""",
    ),
    "a local function as a task": (
        "@task\ndef inner(): ...",
        """
flows.py:22  @task
  inner cannot be a task: it is defined inside flights(), where a worker cannot find it.
  Fix: define it with `def` at the top level of the module
""",
    ),
    "each outside of a map": (
        'extract(each(["a"]))',
        """
flows.py:22  extract(each(["a"]))
  each() marks a whole argument of .map() or .product(); here it marks nothing.
  Fix: some_task.map(each(items))
""",
    ),
    "each over a string": (
        'extract.map(each("abc"))',
        """
flows.py:22  extract.map(each("abc"))
  each() cannot iterate str 'abc'.
  Fix: each(['abc'])
""",
    ),
    "each over a number": (
        "extract.map(each(3))",
        """
flows.py:22  extract.map(each(3))
  each() cannot iterate int 3.
  Fix: a list, a range, or the result of a task
""",
    ),
    "each in each": (
        'extract.map(each(each([["a"]])))',
        """
flows.py:22  extract.map(each(each([["a"]])))
  each(each(…)) would iterate two levels at once, and a map has one.
  Fix: a @group that maps the inner level, mapped over the outer one
""",
    ),
    "holes passed bare": (
        'total(delays.options(tolerate="2%").map("f", each([1, 2])))',
        """
flows.py:22  total(delays.options(tolerate="2%").map("f", each([1, 2])))
  The mapped result of delays may have holes (tolerate=…), so it cannot be passed bare.
  Fix: ok(delays) for the results, failures(delays) or outcomes(delays)
""",
    ),
    "holes in a chain": (
        'x = delays.options(tolerate=1).map("f", each([1, 2]))\nis_late.map(each(x))',
        """
flows.py:23  is_late.map(each(x))
  delays may leave holes (tolerate=…), and is_late, mapped over it index by index, tolerates none.
  Fix: is_late.options(tolerate=…).map(…), or each(ok(delays))
""",
    ),
    "a part of a mapped result": (
        'delays.map("f", each([1, 2]))[0]',
        """
flows.py:22  delays.map("f", each([1, 2]))[0]
  The mapped result of delays is a list that is complete at run time only: no part of it can be taken here.
  Fix: take it inside a task
""",
    ),
    "outcome of a map": (
        'outcome(delays.map("f", each([1, 2])))',
        """
flows.py:22  outcome(delays.map("f", each([1, 2])))
  outcome() needs the whole result of one task; this is the mapped result of delays.
  Fix: outcomes(delays)
""",
    ),
    "ok of no map": (
        'ok(extract("a"))',
        """
flows.py:22  ok(extract("a"))
  ok() needs the results of a .map(); this is the result of extract.
  Fix: ok(some_task.map(each(items)))
""",
    ),
    "an unknown option": (
        'extract.options(retrys=3)("a")',
        """
flows.py:22  extract.options(retrys=3)("a")
  A task has no option 'retrys'.
  Fix: retries=…
""",
    ),
    "no duration": (
        'extract.options(timeout="5 parsecs")("a")',
        """
flows.py:22  extract.options(timeout="5 parsecs")("a")
  timeout: '5 parsecs' is not a duration: write a number and a unit, as in "30s", "5m", "1h30m", "2d".
""",
    ),
    "two delays": (
        'extract.options(retries=Retry(3), retry_delay=4)("a")',
        """
flows.py:22  extract.options(retries=Retry(3), retry_delay=4)("a")
  The delay is given twice: retry_delay and retries=Retry(…).
  Fix: Retry(…, delay=…)
""",
    ),
    "an unknown class of errors": (
        'extract.options(retries=Retry(3, on="flaky"))("a")',
        """
flows.py:22  extract.options(retries=Retry(3, on="flaky"))("a")
  'flaky' is not a class of errors.
  Fix: one of cancelled, code, data, infrastructure, transient, or an exception type
""",
    ),
    "an unknown trigger rule": (
        'extract.options(trigger_rule="all_sucess")("a")',
        """
flows.py:22  extract.options(trigger_rule="all_sucess")("a")
  trigger_rule='all_sucess' does not exist.
  Fix: trigger_rule="all_success"
""",
    ),
    "no share": (
        'delays.options(tolerate="2").map("f", each([1]))',
        """
flows.py:22  delays.options(tolerate="2").map("f", each([1]))
  tolerate='2' is neither a count nor a share.
  Fix: tolerate=3 or tolerate="2%"
""",
    ),
    "a name with a dot": (
        'extract.options(name="a.b")("x")',
        """
flows.py:22  extract.options(name="a.b")("x")
  'a.b' cannot be the name of a task.
  Fix: letters, digits, _ and -, beginning with a letter
""",
    ),
    "a value that may be missing": (
        'delays.options(trigger_rule="all_done")(extract("a"), 1)',
        """
flows.py:22  delays.options(trigger_rule="all_done")(extract("a"), 1)
  delays has trigger_rule='all_done', so it may start when extract has no result to pass.
  Fix: pass outcome(extract), or wait without its value: .after(…)
""",
    ),
    "a condition that is no bool": (
        "with when(total([1])):\n    pass",
        """
flows.py:22  with when(total([1])):
  when() needs a bool, and the result of total is int.
  Fix: let the task return a bool, or decide with branch(value).case(…)
""",
    ),
    "a condition that is a list": (
        'with when(delays.map("f", each([1]))):\n    pass',
        """
flows.py:22  with when(delays.map("f", each([1]))):
  when() needs a bool, and the mapped result of delays is list[int].
  Fix: let the task return a bool, or decide with branch(value).case(…)
""",
    ),
    "an unknown case": (
        'with branch(kind(1)).case("huge"):\n    pass',
        """
flows.py:22  with branch(kind(1)).case("huge"):
  The result of kind never gives 'huge'; its cases are 'small', 'big'.
  Fix: one of these cases
""",
    ),
    "a case twice": (
        'b = branch(kind(1))\nwith b.case("big"):\n    pass\nwith b.case("big"):\n    pass',
        """
flows.py:25  with b.case("big"):
  The case 'big' stands here twice.
  Fix: one block for each case
""",
    ),
    "a constant joined": (
        'one_of(extract("a"), "b")',
        """
flows.py:22  one_of(extract("a"), "b")
  one_of() joins results of tasks of this pipeline or group; 'b' is none.
  Fix: one_of(result_of_one_branch, result_of_the_other)
""",
    ),
    "one joined": (
        'one_of(extract("a"))',
        """
flows.py:22  one_of(extract("a"))
  one_of() joins the results of branches, and there is one at most.
  Fix: one_of(a, b)
""",
    ),
    "a constant set up": (
        "with setup(3, teardown=extract):\n    pass",
        """
flows.py:22  with setup(3, teardown=extract):
  setup() needs the result of a task called here; 3 is none.
  Fix: setup(make(), …)
""",
    ),
    "a teardown that is no task": (
        'with setup(extract("a"), teardown=print):\n    pass',
        """
flows.py:22  with setup(extract("a"), teardown=print):
  teardown=print is not a task.
  Fix: teardown=some_task, without calling it
""",
    ),
    "after a task": (
        'extract.after(total)("a")',
        """
flows.py:22  extract.after(total)("a")
  extract.after() waits for results, and total has not been called.
  Fix: extract.after(total(…))
""",
    ),
    "submit in a pipeline": (
        'extract.submit("a")',
        """
flows.py:22  extract.submit("a")
  extract.submit belongs in a flow; a pipeline only wires tasks.
  Fix: extract(…)
""",
    ),
    "an assignment to an item": (
        'extract("a")["k"] = 3',
        """
flows.py:22  extract("a")["k"] = 3
  The result of extract cannot be changed here: it exists at run time only.
  Fix: do it inside a task
""",
    ),
    "a starred unpacking": (
        "a, *b = pair(1)",
        """
flows.py:22  a, *b = pair(1)
  The result of pair cannot be iterated here: its items exist at run time only.
  Fix: some_task.map(each(pair)), or iterate inside a task
""",
    ),
    "a result as an index": (
        'pair(1)[extract("a")]',
        """
flows.py:22  pair(1)[extract("a")]
  The result of pair can be indexed with a constant string or number only: it exists at run time only.
  Fix: do it inside a task
""",
    ),
    "a command without a name": (
        'shell("$((1+1))")()',
        """
flows.py:22  shell("$((1+1))")()
  No name can be made of the command '$((1+1))'.
  Fix: shell("…", name="…")
""",
    ),
    "a field that is none": (
        'shell("awk {print}", name="a")()',
        """
flows.py:22  shell("awk {print}", name="a")()
  a(): missing a required argument: 'print'.
  Fix: the signature is a(*, print); {{ and }} for braces that are no fields
""",
    ),
    "a single brace": (
        'shell("echo {", name="a")()',
        """
flows.py:22  shell("echo {", name="a")()
  'echo {': Single '{' encountered in format string.
  Fix: {{ and }} for braces that are no fields
""",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_named_with_its_line_and_the_fix(case: str, refused: Refused) -> None:
    body, expected = CASES[case]
    source = HEAD + "".join(f"    {line}\n" for line in body.split("\n"))
    assert refused(source) == expected.strip("\n")
