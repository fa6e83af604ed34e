"""Options as policies, and references to code."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.authoring import examples as e
from toque.authoring import options, references
from toque.authoring.options import Cache, Pool, Retry
from toque.authoring.tasks import task
from toque.errors import UserError
from toque.graph.ir import CachePolicy, PoolClaim, RetryPolicy, TaskPolicy


def is_worth_it(error: Exception) -> bool:
    return "busy" in str(error)


def key_of(table: str) -> str:
    return table


def stop(handle: Any) -> None: ...


class Busy(Exception): ...


def policy(**given: Any) -> TaskPolicy:
    return options.task_policy(options.checked("task", given))


def test_no_options_are_the_default_policy() -> None:
    assert policy() == TaskPolicy()
    assert policy(retries=0).retry is None


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"retries": 3}, RetryPolicy(times=3)),
        ({"retries": 3, "retry_delay": "5m"}, RetryPolicy(times=3, delay_s=300)),
        ({"retries": 3, "retry_delay": 0}, RetryPolicy(times=3, delay_s=0)),
        ({"retries": Retry(2, delay=timedelta(minutes=1), backoff=2)}, RetryPolicy(times=2, delay_s=60, backoff=2)),
        ({"retries": Retry(2, cap="1h", jitter=True)}, RetryPolicy(times=2, cap_s=3600, jitter=True)),
        ({"retries": Retry(2, on="transient")}, RetryPolicy(times=2, classes=("transient",))),
        ({"retries": Retry(2, on=["data", "code"])}, RetryPolicy(times=2, classes=("data", "code"))),
    ],
)
def test_retries(given: dict[str, Any], wanted: RetryPolicy) -> None:
    assert policy(**given).retry == wanted


def test_what_is_retried_is_referred_to_by_name() -> None:
    retry = policy(retries=Retry(1, on=(Busy, TimeoutError, is_worth_it))).retry
    assert retry is not None
    assert [(ref.module, ref.qualname) for ref in retry.exceptions] == [
        (__name__, "Busy"),
        ("builtins", "TimeoutError"),
    ]
    assert retry.rule is not None
    assert retry.rule.qualname == "is_worth_it"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (True, CachePolicy()),
        (False, None),
        ("1d", CachePolicy(expires_s=86400)),
        (60, CachePolicy(expires_s=60)),
        (Cache(), CachePolicy()),
        (Cache(expires="1h"), CachePolicy(expires_s=3600)),
    ],
)
def test_caches(given: Any, wanted: CachePolicy | None) -> None:
    assert policy(cache=given).cache == wanted


def test_a_cache_key_is_referred_to_by_name() -> None:
    found = policy(cache=Cache(key=key_of)).cache
    assert found is not None
    assert found.key is not None
    assert found.key.qualname == "key_of"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("db", (PoolClaim(pool="db"),)),
        (Pool("db", 3), (PoolClaim(pool="db", slots=3),)),
        (["a", Pool("b", 2)], (PoolClaim(pool="a"), PoolClaim(pool="b", slots=2))),
    ],
)
def test_pools(given: Any, wanted: Any) -> None:
    assert policy(pool=given).pools == wanted


@pytest.mark.parametrize(
    ("given", "size_bytes"), [(1024, 1024), ("512MB", 512_000_000), ("1.5GiB", 1_610_612_736), ("10 KB", 10_000)]
)
def test_memory_limits(given: Any, size_bytes: int) -> None:
    assert policy(memory_limit=given).memory_limit_bytes == size_bytes


@pytest.mark.parametrize(("given", "wanted"), [(3, 3), ("2%", 0.02), (0.5, 0.5), (0, 0), ("0%", 0)])
def test_tolerances(given: Any, wanted: float) -> None:
    assert options.tolerance({"tolerate": given}) == wanted


@pytest.mark.parametrize("given", [-1, 1.5, "100%", "x%", True, "3"])
def test_no_tolerances(given: Any) -> None:
    with pytest.raises(UserError, match="is neither a count nor a share"):
        options.tolerance({"tolerate": given})


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"retries": -1}, "retries=-1 is not a number of retries"),
        ({"retries": True}, "retries=True is not a number of retries"),
        ({"retries": Retry(1, backoff=0.5)}, "backoff=0.5 would shrink the delay"),
        ({"retries": Retry(1, on=3)}, "3 does not say what to retry"),  # type: ignore[arg-type]
        ({"timeout": -1}, "timeout: -1 is not a duration"),
        ({"deadline": "soon"}, "deadline: 'soon' is not a duration"),
        ({"memory_limit": 0}, "memory_limit=0 is not a size"),
        ({"name": 3}, "3 cannot be the name of a task"),
        ({"name": ""}, "'' cannot be the name of a task"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], text: str) -> None:
    with pytest.raises(UserError, match=text):
        policy(**given)


def test_the_other_options() -> None:
    found = policy(
        priority=3, concurrency_key="{year}", executor="dask", environment="ml", io_bound=True, on_cancel=stop
    )
    assert (found.priority, found.concurrency_key, found.executor) == (3, "{year}", "dask")
    assert (found.environment, found.io_bound) == ("ml", True)
    assert found.on_cancel is not None
    assert found.on_cancel.qualname == "stop"


def test_a_reference_names_module_function_and_text() -> None:
    found = references.code_ref(e.extract)
    assert (found.module, found.qualname, found.mode) == (e.__name__, "extract", "sync")
    assert len(found.source_hash) == 16
    assert references.code_ref(e.fetch).mode == "async"


def test_code_outside_of_the_bundle_has_no_hash() -> None:
    import json

    assert references.code_ref(json.loads).source_hash == ""
    assert references.code_ref(TimeoutError).source_hash == ""


def test_code_without_a_file_is_hashed_by_what_it_does() -> None:
    def hash_of(source: str) -> str:
        scope: dict[str, Any] = {"__name__": "prompt"}
        exec(compile(source, "<prompt>", "exec"), scope)
        return references.source_hash(scope["work"])

    assert hash_of("def work(): return 1") == hash_of("\n\ndef work(): return 1")
    assert hash_of("def work(): return 1") != hash_of("def work(): return 2")


def test_a_function_of_a_library_can_be_a_task() -> None:
    import json

    assert task(json.loads)("[1]") == [1]
    assert task(json.loads).name == "loads"


def test_tasks_travel_by_name() -> None:
    import pickle

    assert pickle.loads(pickle.dumps(e.extract)) is e.extract


def test_what_cannot_be_found_by_name_is_refused() -> None:
    import functools

    with pytest.raises(UserError, match="it has none"):
        references.code_ref(functools.partial(print))
