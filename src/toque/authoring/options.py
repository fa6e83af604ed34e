"""Options: what can be said about a task or pipeline, as values; and how they become policies of the IR."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, get_args

from toque.authoring import automation, freshness, sites
from toque.authoring.column_origins import column_origins
from toque.authoring.option_types import AssetOptions as AssetOptions
from toque.authoring.option_types import Cache as Cache
from toque.authoring.option_types import FlowOptions as FlowOptions
from toque.authoring.option_types import GroupOptions as GroupOptions
from toque.authoring.option_types import MoveOptions as MoveOptions
from toque.authoring.option_types import PipelineOptions as PipelineOptions
from toque.authoring.option_types import Pool as Pool
from toque.authoring.option_types import Retry as Retry
from toque.authoring.option_types import RetryOn as RetryOn
from toque.authoring.option_types import RetryRule as RetryRule
from toque.authoring.option_types import TaskOptions as TaskOptions
from toque.authoring.references import code_ref
from toque.authoring.schedules import check_option
from toque.durations import Duration, seconds
from toque.graph.ir import CachePolicy, CodeRef, ErrorClass, PoolClaim, RetryPolicy, TaskPolicy, TriggerRule

_KNOWN: Final[dict[str, frozenset[str]]] = {
    "task": frozenset(TaskOptions.__annotations__),
    "asset": frozenset(AssetOptions.__annotations__) - {"tolerate", "writes"},
    "move": frozenset(MoveOptions.__annotations__),
    "shell": frozenset(TaskOptions.__annotations__) | {"exits", "env", "cwd"},
    "group": frozenset(GroupOptions.__annotations__),
    "pipeline": frozenset(PipelineOptions.__annotations__),
    "flow": frozenset(FlowOptions.__annotations__),
}
_NAME: Final = re.compile(r"[^\W\d][\w-]*")
_RULES: Final = frozenset(get_args(TriggerRule)) - {"teardown"}
_CLASSES: Final = frozenset(get_args(ErrorClass))


def checked(
    kind: Literal["task", "asset", "move", "shell", "group", "pipeline", "flow"], options: Mapping[str, Any]
) -> dict[str, Any]:
    """The options, if all of them exist and have values that can be meant. Raises `UserError`."""
    known = _KNOWN[kind]
    for name in options:
        if name not in known:
            what = {"shell": "A shell task", "asset": "An asset", "move": "A load or sync"}.get(kind, f"A {kind}")
            raise sites.refuse(f"{what} has no option {name!r}.", fix=_instead(kind, name, known))
    if "name" in options:
        check_name(options["name"], f"a {kind}")
    if options.get("trigger_rule", "all_success") not in _RULES:
        rule = str(options["trigger_rule"])
        near = difflib.get_close_matches(rule, _RULES, n=1)
        raise sites.refuse(
            f"trigger_rule={rule!r} does not exist.",
            fix=f'trigger_rule="{near[0]}"' if near else "one of " + ", ".join(sorted(_RULES)),
        )
    for name in ("reads", "writes"):
        asset_keys(name, options)
    if "tags" in options and isinstance(options["tags"], str):
        raise sites.refuse("tags is one string.", fix=f"tags=[{options['tags']!r}]")
    if "max_active_runs" in options and options["max_active_runs"] < 1:
        raise sites.refuse(f"max_active_runs={options['max_active_runs']} would let nothing run.", fix="1 or more")
    if kind in ("task", "asset", "move", "shell", "flow"):
        task_policy(options)
    tolerance(options)
    column_origins(options.get("columns"))
    check_option(options.get("schedule"))
    automation.check_option(options.get("automation"))
    freshness.check_options(options)
    duration_s("deadline", options.get("deadline"))
    duration_s("late_after", options.get("late_after"))
    notified(options)
    return dict(options)


def check_name(name: object, what: str) -> None:
    """Names become ids: letters, digits, `_` and `-`, so that `.`, `[` and `/` can structure the ids."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise sites.refuse(
            f"{name!r} cannot be the name of {what}.", fix="letters, digits, _ and -, beginning with a letter"
        )


def task_policy(
    options: Mapping[str, Any], *, executor: str = "process", pools: tuple[PoolClaim, ...] = ()
) -> TaskPolicy:
    """The part of the options that the engine and the executors act on; `pools` are claimed besides."""
    on_cancel = options.get("on_cancel")
    return TaskPolicy(
        retry=_retry_policy(options),
        timeout_s=_duration("timeout", options.get("timeout")),
        deadline_s=_duration("deadline", options.get("deadline")),
        pools=(*_pools(options.get("pool")), *pools),
        priority=options.get("priority", 0),
        concurrency_key=options.get("concurrency_key"),
        cache=_cache_policy(options.get("cache", False)),
        executor=options.get("executor", executor),
        environment=options.get("environment", ""),
        memory_limit_bytes=_size_bytes(options.get("memory_limit")),
        on_cancel=code_ref(on_cancel, "on_cancel") if on_cancel is not None else None,
        io_bound=options.get("io_bound", False),
    )


def duration_s(name: str, value: Duration | None) -> float | None:
    """An optional duration of an option called `name`, in seconds."""
    return _duration(name, value)


def notified(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The connections of `notify`."""
    notify = options.get("notify", ())
    names = (notify,) if isinstance(notify, str) else tuple(notify)
    if not all(isinstance(name, str) and name for name in names):
        raise sites.refuse(f"notify={notify!r} names no connection.", fix='notify="ops", or ["ops", "mail"]')
    return names


def asset_keys(name: str, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of `reads` or `writes`; of a load, a sync or a dbt project those of all that it makes."""
    given = options.get(name, ())
    keys = [key for each in given for key in _keys_of(each)]
    if isinstance(given, str) or not all(isinstance(key, str) and key for key in keys):
        raise sites.refuse(f"{name}={given!r} is no list of assets.", fix=f'{name}=["warehouse.raw.orders"]')
    return tuple(str(key) for key in keys)


def _keys_of(thing: Any) -> Iterable[Any]:
    if hasattr(thing, "described") and not hasattr(thing, "key"):
        return [asset.key for asset in thing.described()]
    return [thing if isinstance(thing, str) else getattr(thing, "key", None)]


def tolerance(options: Mapping[str, Any]) -> float:
    """`tolerate` as the IR has it: below 1 a share, from 1 on a count."""
    value = options.get("tolerate", 0)
    if isinstance(value, str):
        number = value.removesuffix("%").strip()
        try:
            share = float(number) / 100
        except ValueError:
            share = -1.0
        if not value.endswith("%") or not 0 <= share < 1:
            raise sites.refuse(f"tolerate={value!r} is neither a count nor a share.", fix='tolerate=3 or tolerate="2%"')
        return share
    if isinstance(value, bool) or value < 0 or (value > 1 and value != int(value)):
        raise sites.refuse(f"tolerate={value!r} is neither a count nor a share.", fix='tolerate=3 or tolerate="2%"')
    return value  # type: ignore[no-any-return]


def _duration(name: str, value: Duration | None) -> float | None:
    if value is None:
        return None
    try:
        return seconds(value)
    except ValueError as error:
        raise sites.refuse(f"{name}: {error}.") from None


def _retry_policy(options: Mapping[str, Any]) -> RetryPolicy | None:
    retries = options.get("retries", 0)
    delay = options.get("retry_delay")
    if isinstance(retries, Retry):
        if delay is not None:
            raise sites.refuse("The delay is given twice: retry_delay and retries=Retry(…).", fix="Retry(…, delay=…)")
        retry = retries
    else:
        retry = Retry(retries, delay=1 if delay is None else delay)
    if not isinstance(retry.times, int) or isinstance(retry.times, bool) or retry.times < 0:
        raise sites.refuse(f"retries={retry.times!r} is not a number of retries.", fix="0 or more")
    if retry.times == 0:
        return None
    if retry.backoff < 1:
        raise sites.refuse(f"backoff={retry.backoff} would shrink the delay.", fix="1 (the same delay) or more")
    classes, exceptions, rule = _retried(retry.on)
    return RetryPolicy(
        times=retry.times,
        delay_s=_duration("delay", retry.delay) or 0.0,
        backoff=float(retry.backoff),
        cap_s=_duration("cap", retry.cap),
        jitter=retry.jitter,
        classes=classes or None,
        exceptions=exceptions,
        rule=rule,
    )


def _retried(on: Any) -> tuple[tuple[ErrorClass, ...], tuple[CodeRef, ...], CodeRef | None]:
    items = on if isinstance(on, list | tuple | set | frozenset) else (on,)
    classes: list[ErrorClass] = []
    exceptions: list[CodeRef] = []
    rule: CodeRef | None = None
    for item in items:
        if isinstance(item, str):
            if item not in _CLASSES:
                known = ", ".join(sorted(_CLASSES))
                raise sites.refuse(f"{item!r} is not a class of errors.", fix=f"one of {known}, or an exception type")
            classes.append(item)  # type: ignore[arg-type]
        elif isinstance(item, type) and issubclass(item, BaseException):
            exceptions.append(code_ref(item, "an exception to retry on"))
        elif callable(item) and rule is None:
            rule = code_ref(item, "a retry rule")
        else:
            raise sites.refuse(
                f"{item!r} does not say what to retry.", fix='exception types, classes such as "transient", or one rule'
            )
    return tuple(classes), tuple(exceptions), rule


def _pools(pool: Any) -> tuple[PoolClaim, ...]:
    if pool is None:
        return ()
    items = (pool,) if isinstance(pool, str | Pool) else pool
    claims = [
        PoolClaim(pool=item) if isinstance(item, str) else PoolClaim(pool=item.name, slots=item.slots) for item in items
    ]
    for claim in claims:
        if claim.slots < 1:
            raise sites.refuse(f"Pool({claim.pool!r}, {claim.slots}) claims nothing.", fix="1 slot or more")
    return tuple(claims)


def _cache_policy(cache: Any) -> CachePolicy | None:
    if cache is False or cache is None:
        return None
    if cache is True:
        return CachePolicy()
    if isinstance(cache, Cache):
        key = code_ref(cache.key, "a cache key") if cache.key is not None else None
        return CachePolicy(expires_s=_duration("expires", cache.expires), key=key)
    return CachePolicy(expires_s=_duration("cache", cache))


def _size_bytes(size: int | str | None) -> int | None:
    if size is None or (isinstance(size, int) and size > 0):
        return size
    units = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
    if isinstance(size, str):
        for unit, factor in units.items():
            number = size.removesuffix(unit).strip()
            if size.endswith(unit) and number.replace(".", "", 1).isdigit() and float(number) > 0:
                return int(float(number) * factor)
    raise sites.refuse(f"memory_limit={size!r} is not a size.", fix='bytes, or "512MB", "2GiB"')


def _instead(kind: str, name: str, known: frozenset[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"{near[0]}=…"
    if kind in ("group", "pipeline") and name in _KNOWN["task"]:
        return f"@task({name}=…) on the tasks of the {kind}"
    return "one of " + ", ".join(sorted(known))
