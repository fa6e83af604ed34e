"""Laws of automation that hold whatever is made, fails, ends late or is looked at when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.schedule.automation.house import House, Job, asset
from toque.graph.automation import AllFresh, AnyAutomation, Eager, WhenMissing
from toque.schedule.automation.causes import ASKED
from toque.schedule.automation.waves import Request

RULES: list[tuple[AnyAutomation, ...]] = [(), (Eager(),), (AllFresh(),), (WhenMissing(),), (Eager(), WhenMissing())]


@st.composite
def houses(draw: st.DrawFn) -> House:
    """Up to seven assets, each made from some of those before it."""
    made = []
    for n in range(draw(st.integers(2, 7))):
        of = draw(st.lists(st.sampled_from([f"a{m}" for m in range(n)]), unique=True, max_size=3)) if n else []
        made.append(asset(f"a{n}", *draw(st.sampled_from(RULES)), of=of))
    return House.of(*made)


class Story:
    """Things happen in a house, in an order that is drawn."""

    def __init__(self, house: House, data: st.DataObject) -> None:
        self.house = house
        self.data = data
        self.runs: list[tuple[Job, list[str]]] = []
        """Under way, with what each has still to make."""
        self.waiting: list[Request] = []
        """Asked for, and not begun."""
        self.causes: dict[str, set[tuple[str, int]]] = {}
        """What each asset was asked for because of."""

    def look(self) -> None:
        """Law: what is asked for has a cause that nothing was asked for because of before."""
        before = len(self.house.asked)
        self.house.look()
        for request in self.house.asked[before:]:
            for verdict in request.verdicts:
                causes = set(verdict.dealt[""].items())
                known = self.causes.setdefault(verdict.asset, set())
                assert verdict.is_riding or causes - known, f"{verdict.asset} was asked for twice: {causes}"
                known |= {each for each in causes if not (each[0] == ASKED and len(causes) > 1)}
            self.waiting.append(request)

    def begin(self, names: list[str], *, is_ours: bool = False) -> None:
        self.runs.append((self.house.begin(*names, is_ours=is_ours), list(names)))

    def go_on(self, *, may_fail: bool = True) -> None:
        """The next thing that a run does: it makes something, fails to, or ends."""
        job, left = self.data.draw(st.sampled_from(self.runs), label="run")
        if not left:
            self.runs.remove((job, left))
            self.house.end(job)
            return
        name = left.pop(0)
        if may_fail and self.data.draw(st.integers(0, 4), label="luck") == 0:
            below = {name}
            for each in left:
                if below & {source.asset for source in self.house.assets[each].sources}:
                    below.add(each)
            left[:] = [each for each in left if each not in below]
        else:
            self.house.tell(job, name)

    def start_asked(self) -> None:
        request = self.waiting.pop(0)
        self.begin([each.asset for each in request.verdicts], is_ours=True)

    def step(self) -> None:
        deeds = ["look", "begin"]
        deeds += ["go on"] * 3 if self.runs else []
        deeds += ["start"] * 2 if self.waiting else []
        match self.data.draw(st.sampled_from(deeds), label="deed"):
            case "look":
                self.look()
            case "begin":
                names = sorted(self.house.assets)
                self.begin(
                    sorted(self.data.draw(st.lists(st.sampled_from(names), unique=True, min_size=1, max_size=3)))
                )
            case "go on":
                self.go_on()
            case "start":
                self.start_asked()

    def calm(self) -> None:
        """Nobody does anything any more: what is under way ends. Law: so does what is asked for."""
        for _ in range(20 * len(self.house.assets)):
            while self.waiting or self.runs:
                self.start_asked() if self.waiting else self.go_on()
            self.look()
            if not self.waiting:
                return
        raise AssertionError(f"it goes on forever: {self.house.asked[-3:]}")


@given(houses(), st.data())
def test_no_cause_counts_twice_none_is_lost_and_nothing_goes_round(house: House, data: st.DataObject) -> None:
    story = Story(house, data)
    for _ in range(data.draw(st.integers(1, 25), label="deeds")):
        story.step()
    story.calm()
    for name, each in house.assets.items():
        sources = [source.asset for source in each.sources]
        if Eager() not in each.automation or not all(source in house.slices for source in sources):
            continue
        for source in sources:
            made = house.slices[source][""]
            tried_us = house.tries.get((name, ""), 0)
            seen_to = name in house.makers[made.run_id].makes or tried_us >= made.made_us
            assert seen_to, f"{name} was never tried after {source} was made"
