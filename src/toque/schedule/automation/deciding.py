"""The rules of one asset, applied to what is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, assert_never

from toque.graph.assets import Asset, AssetDependency
from toque.graph.automation import AllFresh, AnyAutomation, Eager, OnTicks, WhenMissing
from toque.graph.partitions import AnyPartitioning, Matching
from toque.schedule import zones
from toque.schedule.automation.causes import Cause, Causes, marks
from toque.schedule.automation.holds import Hold, Holds, Wish
from toque.schedule.automation.world import Memory, Slices, World
from toque.schedule.partitions.keys import parts, windows_of
from toque.schedule.ticks import instants

AT_ONCE: Final = 100
"""Slices of one asset that are asked for at a time; the rest follows when they have ended."""
_NEAR_US: Final = 60_000_000

Outcome = Literal["", "requested", "waits", "paused", "skipped", "failed"]


@dataclass
class Verdict:
    """What is to be done about one asset now."""

    asset: str
    dealt: Mapping[str, Mapping[str, int]]
    """To be remembered."""
    cursor_us: int
    """The last tick that was decided."""
    outcome: Outcome = ""
    """"": there is nothing to say."""
    rule: str = ""
    reason: str = ""
    keys: tuple[str, ...] = ()
    """To be made, in order."""
    is_open: bool = False
    """Something waits for what is under way: look again soon."""
    is_riding: bool = False
    """Made after others of the same request, which are its cause."""


@dataclass
class _Found:
    wishes: dict[str, Wish] = field(default_factory=dict)
    holds: list[tuple[Wish, Hold]] = field(default_factory=list)


def decide(world: World, asset: Asset, memory: Memory, wave: Mapping[str, Slices]) -> Verdict:
    """`wave`: what is asked for in this decision of assets upstream."""
    return _Deciding(world, asset, memory, wave).verdict()


class _Deciding:
    def __init__(self, world: World, asset: Asset, memory: Memory, wave: Mapping[str, Slices]) -> None:
        self.world = world
        self.asset = asset
        self.memory = memory
        self.wave = {source.asset: wave[source.asset] for source in asset.sources if source.asset in wave}
        self.causes = Causes(world, asset, memory)
        self.holds = Holds(world, asset, self.causes, self.wave)
        self.cursor_us = memory.cursor_us
        self.keys = world.keys(asset.key)

    def verdict(self) -> Verdict:
        """What becomes of it now."""
        kept = self.causes.kept()
        verdict = Verdict(self.asset.key, kept, self.memory.cursor_us)
        if self._is_idle():
            return verdict
        found = _Found()
        tick = self._tick()
        for key in self.keys:
            wish = self._wish(key, tick)
            if wish is not None:
                found.wishes[key] = wish
        if not found.wishes:
            verdict.cursor_us = self.cursor_us
            return verdict
        chosen = self._chosen(found)
        verdict.is_open = any(hold.passes for _, hold in found.holds)
        if tick is not None and (chosen or all(hold.rank == "paused" for _, hold in found.holds)):
            verdict.cursor_us = self.cursor_us
        if chosen:
            self._request(verdict, chosen)
        elif found.holds:
            self._decline(verdict, found, is_tick=tick is not None)
        return verdict

    def _is_idle(self) -> bool:
        """Cheap: nothing is upstream that is new, no tick is due, nothing is missing that was not asked for."""
        if self.wave or any(self.causes.recent.values()):
            return False
        if any(isinstance(rule, WhenMissing) for rule in self.asset.automation):
            made = self.world.slices.get(self.asset.key, {})
            if any(key not in self.memory.dealt and not (key in made and made[key].made_us) for key in self.keys):
                return False
        return due_tick(self.asset, self.memory.cursor_us, self.world.known.now_us) is None

    # -- what the rules want

    def _wish(self, key: str, tick: Wish | None) -> Wish | None:
        """Of the first rule that lacks nothing, else of one that does."""
        causes = self.causes.of(key)
        new = self.causes.new(key, causes)
        riding = [source for source in self.asset.sources if self._rides(source, key)]
        wishes: list[Wish] = []
        for rule in self.asset.automation:
            match rule:
                case Eager():
                    if new or riding:
                        wishes.append(Wish(rule, _made_words(new, riding), causes))
                case AllFresh():
                    if new or riding:
                        updated = {cause.asset for cause in causes} | {source.asset for source in riding}
                        behind = [each.asset for each in self.holds.sources if each.asset not in updated]
                        lacks = f"waits for {behind[0]}: not made since" if behind else ""
                        wishes.append(Wish(rule, _fresh_words(self.holds.sources), causes, lacks))
                case WhenMissing():
                    if not self.world.slice(self.asset.key, key).made_us and (new or key not in self.memory.dealt):
                        wishes.append(Wish(rule, "never made", causes))
                case OnTicks():
                    if tick is not None and tick.rule == rule and self._is_of_tick(key):
                        wishes.append(tick._replace(causes=causes))
                case _:
                    assert_never(rule)
        return next((each for each in wishes if not each.lacks), wishes[0] if wishes else None)

    def _tick(self) -> Wish | None:
        due = due_tick(self.asset, self.memory.cursor_us, self.world.known.now_us)
        if due is None:
            return None
        self.cursor_us = due[1]
        at = zones.local(due[0].schedule.tz, due[1])
        shown = at.strftime("%Y-%m-%d %H:%M:%S" if at.second else "%Y-%m-%d %H:%M")
        return Wish(due[0], f"the tick of {shown} {due[0].schedule.tz}")

    def _is_of_tick(self, key: str) -> bool:
        return _time_of(self.asset.partitions, key) == _time_of(self.asset.partitions, self.keys[-1])

    # -- what comes first

    def _chosen(self, found: _Found) -> dict[str, Wish]:
        chosen: dict[str, Wish] = {}
        for key, wish in found.wishes.items():
            hold = self.holds.on(key, wish)
            if hold is not None:
                found.holds.append((wish, hold))
            elif len(chosen) < AT_ONCE:
                chosen[key] = wish
        return self._as_waved(found, chosen)

    # -- what is made in one request with what is upstream

    def _rides(self, source: AssetDependency, key: str) -> bool:
        """Whether the slice is to be made since one upstream is, right after it."""
        wave = self.wave.get(source.asset)
        if not wave:
            return False
        return any(part in wave for part in self.causes.reads(source, key))

    def _as_waved(self, found: _Found, chosen: dict[str, Wish]) -> dict[str, Wish]:
        """What reads of the wave is made in the request of that if it is of the same slices, and after it if not."""
        if not self.wave:
            return chosen
        touched = [key for key in chosen if any(self._rides(source, key) for source in self.asset.sources)]
        together = frozenset(touched)
        if together and all(self._goes_with(source, together) for source in self.asset.sources):
            return {key: chosen[key] for key in touched}
        for key in touched:
            wish = chosen.pop(key)
            source = next(each for each in self.asset.sources if self._rides(each, key))
            found.holds.append((wish, Hold("quiet", f"waits for {source.asset}, which is asked for", passes=True)))
        return chosen

    def _goes_with(self, source: AssetDependency, together: Slices) -> bool:
        wave = self.wave.get(source.asset)
        if wave is None:
            return True
        is_same = self.world.cut(source.asset) == self.asset.partitions and isinstance(source.mapping, Matching)
        return is_same and wave == together

    # -- words

    def _request(self, verdict: Verdict, chosen: Mapping[str, Wish]) -> None:
        first = next(iter(chosen.values()))
        riding = [each for each in self.asset.sources if any(self._rides(each, key) for key in chosen)]
        verdict.outcome = "requested"
        verdict.rule = rule_name(first.rule)
        verdict.reason = first.reason
        if isinstance(first.rule, Eager):
            new = {cause.name: cause for key, wish in chosen.items() for cause in self.causes.new(key, wish.causes)}
            verdict.reason = _made_words([*new.values()], riding)
        verdict.keys = tuple(chosen)
        verdict.is_riding = bool(riding)
        verdict.dealt = {**verdict.dealt, **{key: marks(wish.causes) for key, wish in chosen.items()}}

    def _decline(self, verdict: Verdict, found: _Found, *, is_tick: bool) -> None:
        order = {"paused": 0, "waits": 1, "quiet": 2}
        wish, hold = min(found.holds, key=lambda each: order[each[1].rank])
        if hold.rank == "quiet":
            return
        verdict.rule = rule_name(wish.rule)
        verdict.outcome = hold.rank
        verdict.reason = hold.reason
        if hold.rank == "paused" and is_tick and isinstance(wish.rule, OnTicks):
            verdict.outcome, verdict.reason = "skipped", f"{wish.reason}: {hold.reason}"


def due_tick(asset: Asset, cursor_us: int, now_us: int) -> tuple[OnTicks, int] | None:
    """The newest tick that was not decided."""
    due = [
        (rule, last)
        for rule in asset.automation
        if isinstance(rule, OnTicks) and (last := _last_tick(rule, cursor_us, now_us))
    ]
    return max(due, key=lambda each: each[1], default=None)


def rule_name(rule: AnyAutomation) -> str:
    """For people: as its author wrote it, but for a schedule."""
    return "OnSchedule" if isinstance(rule, OnTicks) else type(rule).__name__


def _last_tick(rule: OnTicks, after_us: int, now_us: int) -> int:
    """0: there is none. Looks back step by step, since a server may have been away for a year."""
    back_us = _NEAR_US
    while True:
        from_us = max(after_us, now_us - back_us)
        last = max(instants(rule.schedule, from_us, now_us), default=0)
        if last or from_us == after_us:
            return last
        back_us *= 8


def _time_of(cut: AnyPartitioning | None, key: str) -> str:
    """The window of time in a key; "" for what has none."""
    if cut is None or not (dimension := windows_of(cut)):
        return ""
    return next(part for each, part in parts(cut, key) if each == dimension)


def _made_words(new: Sequence[Cause], riding: Sequence[AssetDependency]) -> str:
    if not new:
        return f"{riding[0].asset} is made" if riding else ""
    more = f", and {len(new) - 1} more" if len(new) > 1 else ""
    return f"{new[0].name} was made{more}"


def _fresh_words(sources: Sequence[AssetDependency]) -> str:
    names = [each.asset for each in sources]
    return f"{names[0]} is fresh" if len(names) == 1 else f"all of {', '.join(names[:3])} are fresh"
