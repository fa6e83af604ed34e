"""What surrounds user code: where it is found, what it is given, how its failures read."""

from __future__ import annotations

import errno
import sys
import types
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from tests.attempts import HERE, node, spec
from toque.engine.inputs import AttemptFailed, AttemptSucceeded
from toque.errors import ToqueBug, TransientError, UserError
from toque.graph.ir import CodeRef, Inject
from toque.store.blobs import MemoryBlobs
from toque.worker import attempt, code, control, failures, instants, projection
from toque.worker.context import Channel, Context, Interval
from toque.worker.environment import MAX_PLANS, Environment, plan, safe
from toque.worker.injection import Supplier
from toque.worker.log import Log, LogFile
from toque.worker.masking import Masker
from toque.worker.outcomes import RunReport


def ref(qualname: str, module: str = "jobs") -> CodeRef:
    return CodeRef(module=module, qualname=qualname)


def test_a_code_ref_leads_to_the_raw_function(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("made")

    class Task:
        @staticmethod
        def __toque_function__() -> str:
            return "raw"

    vars(module)["group"] = types.SimpleNamespace(task=Task())
    monkeypatch.setitem(sys.modules, "made", module)
    assert code.resolve(ref("group.task", "made"))() == "raw"
    assert isinstance(code.locate(ref("group.task", "made")), Task)
    with pytest.raises(UserError, match="the code was changed") as caught:
        code.resolve(ref("group.other", "made"))
    assert caught.value.fix


def test_the_roots_of_a_bundle_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["", "/b", "/a"])
    code.lead_with("/a")
    assert sys.path == ["/a", "/b"]


def module(file: str | None) -> types.ModuleType:
    made = types.ModuleType("m")
    made.__file__ = file
    return made


@pytest.mark.parametrize(
    ("file", "is_stray"),
    [
        ("project/m.py", True),
        ("project/.toque/bundles/b/m.py", False),
        ("project/.venv/lib/site-packages/m.py", False),
        ("elsewhere/m.py", False),
        (None, False),
    ],
)
def test_modules_of_the_project_come_from_its_snapshot(file: str | None, is_stray: bool, tmp_path: Path) -> None:
    found = module(str(tmp_path / file) if file else None)
    project, bundle = str(tmp_path / "project"), str(tmp_path / "project/.toque/bundles/b")
    assert (code.strays([found], bundle, project) is found) == is_stray


def test_without_a_snapshot_nothing_is_stray() -> None:
    code.require_bundled(str(HERE), str(HERE))
    code.require_bundled("", str(HERE))


def test_not_yet_takes_a_duration() -> None:
    assert control.NotYet("5m").after_s == 300
    with pytest.raises(ValueError, match="not a duration"):
        control.NotYet("soon")


def test_instants_are_exact() -> None:
    at = datetime(2026, 11, 22, 1, 2, 3, 456_789, tzinfo=UTC)
    assert instants.instant(instants.microseconds(at)) == at


@pytest.mark.parametrize(("name", "key"), [("a.b-c_1", "a.b-c_1"), ("ü/%", "%C3%BC%2F%25"), ("", "")])
def test_names_become_parts_of_keys(name: str, key: str) -> None:
    assert safe(name) == key


def context_of(env: Environment) -> Context:
    return Context(spec(node("nothing"), interval_end_us=1_000_000), env.channel, Log(LogFile(""), Masker()))


SETTINGS = '[variables]\nlimit = 5\n[secrets]\ndb = "env:DB"\n[connections.shop]\ntype = "http"\nurl = "x"\n'


@pytest.fixture
def supplier(tmp_path: Path, env: Environment) -> Supplier:
    from toque.settings import load

    (tmp_path / "toque.toml").write_text(SETTINGS)
    return Supplier(lambda: load(tmp_path, environ={"DB": "hunter2"}), env.masker.add)


def supplied(supplier: Supplier, env: Environment, **inject: Any) -> Any:
    with ExitStack() as scope:
        return supplier.supply(Inject(**inject), context_of(env), scope)


def test_settings_are_supplied_by_name(supplier: Supplier, env: Environment) -> None:
    assert supplied(supplier, env, kind="variable", name="limit") == 5
    assert supplied(supplier, env, kind="connection", name="shop").options == {"url": "x"}
    assert supplied(supplier, env, kind="secret", name="db") == "hunter2"
    assert env.masker.mask("hunter2") == "***"
    with pytest.raises(UserError, match="no variable is named 'limt'"):
        supplied(supplier, env, kind="variable", name="limt")


def test_the_context_is_supplied(supplier: Supplier, env: Environment) -> None:
    interval = supplied(supplier, env, kind="context", name="toque.Interval")
    assert isinstance(interval, Interval)
    assert interval.end == instants.instant(1_000_000)
    assert isinstance(supplied(supplier, env, kind="context", name="Context"), Context)
    with pytest.raises(UserError, match="cannot be injected"):
        supplied(supplier, env, kind="context", name="Clock")
    with pytest.raises(ToqueBug, match="read by the attempt itself"):
        supplied(supplier, env, kind="asset", name="raw.orders")


class Thing:
    """A resource in each of its forms."""

    def __init__(self, scope: str, form: str, needs: dict[str, Inject] | None = None) -> None:
        self.__toque_scope__ = scope
        self.__toque_inject__ = needs or {}
        self.form = form
        self.events: list[str] = []

    def __toque_open__(self, **given: Any) -> Any:
        return {"generator": self.generator, "manager": self.manager, "value": self.value}[self.form](**given)

    def generator(self, **given: Any) -> Iterator[Any]:
        self.events.append("opened")
        yield given or "thing"
        self.events.append("closed")

    @contextmanager
    def manager(self, **given: Any) -> Iterator[Any]:
        yield from self.generator(**given)

    def value(self, **given: Any) -> Any:
        return given or "thing"


def put(monkeypatch: pytest.MonkeyPatch, thing: Any) -> Inject:
    made = types.ModuleType("things")
    vars(made)["thing"] = thing
    monkeypatch.setitem(sys.modules, "things", made)
    return Inject(kind="resource", name="", code=ref("thing", "things"))


@pytest.mark.parametrize("form", ["generator", "manager"])
def test_resources_are_closed_at_the_end_of_their_scope(
    form: str, supplier: Supplier, env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    brief = Thing("attempt", form)
    inject = put(monkeypatch, brief)
    for _ in range(2):
        with ExitStack() as scope:
            assert supplier.supply(inject, context_of(env), scope) == "thing"
    assert brief.events == ["opened", "closed"] * 2
    lasting = Thing("worker", form)
    inject = put(monkeypatch, lasting)
    supplier_of_another_worker = Supplier(env.settings, env.masker.add)
    for _ in range(2):
        with ExitStack() as scope:
            supplier_of_another_worker.supply(inject, context_of(env), scope)
    assert lasting.events == ["opened"]
    supplier_of_another_worker.close()
    assert lasting.events == ["opened", "closed"]


def test_a_resource_may_need_a_connection(
    supplier: Supplier, env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = {"shop": Inject(kind="connection", name="shop")}
    inject = put(monkeypatch, Thing("attempt", "value", needs))
    with ExitStack() as scope:
        assert supplier.supply(inject, context_of(env), scope)["shop"].options == {"url": "x"}


def test_what_is_no_resource_is_refused(supplier: Supplier, env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    inject = put(monkeypatch, object())
    with ExitStack() as scope, pytest.raises(UserError, match="no resource or connection"):
        supplier.supply(inject, context_of(env), scope)
    with ExitStack() as scope, pytest.raises(UserError, match="has no code"):
        supplier.supply(Inject(kind="resource", name="x"), context_of(env), scope)


def test_a_resource_that_fails_to_close_fails_the_attempt(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def closing_badly() -> Iterator[str]:
        yield "thing"
        raise OSError("cannot close")

    thing = types.SimpleNamespace(__toque_open__=closing_badly)
    inject = {"value": put(monkeypatch, thing)}
    report = attempt.execute(spec(node("echo", inject=inject)), env)
    assert isinstance(report, AttemptFailed)
    assert report.error.message == "cannot close"


def test_plans_are_made_once_and_their_number_is_bounded(env: Environment) -> None:
    of = node("nothing")
    assert env.plan(of) is env.plan(of)
    assert env.plan(of) is not env.plan(node("nothing"))
    for _ in range(MAX_PLANS + 10):
        env.plan(node("nothing"))
    assert len(env._plans) <= MAX_PLANS
    assert plan(node("wait_forever")).is_async


def test_exports_are_scalars_and_nothing_else() -> None:
    import enum

    import numpy as np

    class Kind(enum.Enum):
        SMALL = "small"

    assert projection.export(np.bool_(True), ()) is True
    assert projection.export({"k": Kind.SMALL}, (("item", "k"),)) == "small"
    assert projection.export(None, ()) is None
    with pytest.raises(UserError, match="decides a branch"):
        projection.export([1], ())


def test_clients_that_time_out_are_transient_whatever_they_derive_from() -> None:
    class TransportError(Exception):
        __module__, __qualname__ = "httpx", "TransportError"

    class Sub(TransportError):
        __module__ = "mine"

    assert failures.kind_of(Sub()) == "transient"
    assert failures.kind_of(TimeoutError()) == "transient"
    assert failures.kind_of(TransientError("x")) == "transient"
    assert failures.kind_of(ValueError()) == "code"
    assert failures.kind_of(FileNotFoundError()) == "code"
    assert failures.kind_of(OSError(errno.ENOSPC, "no space left on device")) == "transient"


def test_what_a_disk_or_a_database_refuses_is_not_the_fault_of_the_code(tmp_path: Path) -> None:
    (tmp_path / "no.duckdb").write_text("no database at all")
    with pytest.raises(duckdb.Error) as refused:
        duckdb.connect(tmp_path / "no.duckdb")
    assert failures.kind_of(refused.value) == "infrastructure"
    with pytest.raises(duckdb.IOException) as missing:
        duckdb.sql("SELECT * FROM 'there_is_none.csv'")
    assert failures.kind_of(missing.value) == "infrastructure"
    with pytest.raises(duckdb.Error) as misspelt:
        duckdb.sql("SELEC 1")
    assert failures.kind_of(misspelt.value) == "code"
    assert failures.kind_of(PermissionError(errno.EACCES, "permission denied")) == "infrastructure"
    assert failures.kind_of(psycopg.errors.DiskFull()) == "transient"


def test_an_error_at_import_names_its_line(env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "odd_syntax.py").write_text("x = 1\ny = (\n")
    made = node("nothing")
    broken = type(made)(id="t", code=ref("x", "odd_syntax"))
    report = attempt.execute(spec(broken), env)
    assert isinstance(report, AttemptFailed)
    assert (report.error.type, report.error.line, report.error.retryable) == ("SyntaxError", 2, False)


def test_signals_reach_the_channel_in_order(env: Environment, blobs: MemoryBlobs, signals: list[Any]) -> None:
    import pyarrow as pa

    here = context_of(env)
    here.artifact("table", pa.table({"n": list(range(10_000))}))
    here.artifact("picture", b"\x89PNG")
    here.artifact("text", "plain")
    here.artifact("numbers", {"n": 1})
    assert [(each.kind, each.name) for each in signals] == [
        ("table", "table"),
        ("image", "picture"),
        ("text", "text"),
        ("json", "numbers"),
    ]
    assert signals[0].value.blob.endswith(".artifacts/table.arrow")


def test_a_loop_can_ask_whether_it_is_cancelled(env: Environment) -> None:
    here = context_of(env)
    here.check_cancelled()
    here.cancelled = True
    with pytest.raises(control.Cancelled):
        here.check_cancelled()


def test_an_empty_run_report_is_still_one() -> None:
    assert RunReport.parse({}, {}).failed == ()


def test_a_channel_is_what_a_context_needs(env: Environment) -> None:
    assert isinstance(env.channel, Channel)
    report = attempt.execute(spec(node("signals")), env)
    assert isinstance(report, AttemptSucceeded)


def test_modules_are_looked_at_again_only_after_an_import(monkeypatch: pytest.MonkeyPatch, env: Environment) -> None:
    looks: list[str] = []
    monkeypatch.setattr(code, "require_bundled", lambda bundle, project: looks.append(bundle))
    for name in ("nothing", "nothing", "echo"):
        env.plan(node(name))
    seen = len(looks)
    monkeypatch.setitem(sys.modules, "imported_by_a_task", types.ModuleType("imported_by_a_task"))
    env.plan(node("nothing"))
    assert (seen, len(looks)) == (1, 2)
