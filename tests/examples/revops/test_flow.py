"""The RevOps example as a newcomer runs it: from nothing, again, after changes, and with its processes killed."""

from __future__ import annotations

import dataclasses
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox import keeper, rounds, slack
from sandbox.people import LINKED
from sandbox.product import Product
from sandbox.rounds import Due
from tests.chaos.revops import PATIENCE_S, Disturbance, Left, Project, differences, project
from tests.examples.revops.following import followed
from toque.local.lineage import read

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with project(tmp_path_factory.mktemp("revops") / "revops") as made:
        yield made


def demo(example: Project, *words: str) -> str:
    """What `demo.py` says."""
    command = [sys.executable, str(example.folder / "demo.py"), *words]
    ended = subprocess.run(
        command, env=example.environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def counts(said: str) -> dict[str, int]:
    """The totals below the table."""
    head, figures = re.findall(r"^ *(sent +created .*)\n *(.*)$", said, re.MULTILINE)[0]
    return dict(zip(head.split(), (int(each.replace(",", "")) for each in figures.split()), strict=True))


@dataclass(frozen=True)
class First:
    """The first run."""

    said: str
    left: Left
    took_s: float


@pytest.fixture(scope="module")
def first(example: Project) -> First:
    """Undisturbed."""
    began_s = time.monotonic()
    return First(demo(example), example.left(), time.monotonic() - began_s)


def test_the_first_run_sends_a_score_for_every_contact_whose_user_is_known(first: First) -> None:
    said, left = first.said, first.left
    assert counts(said) == {**dict.fromkeys(counts(said), 0), "sent": LINKED, "updated": LINKED}
    assert "What changed in the CRM" in said
    assert "toque dev --project" in said
    scored = [row for row in left["CRM Contact"] if "Champion" in row]
    assert len(scored) > 10


def test_every_column_that_is_sent_is_followed_to_its_sources(example: Project, first: First) -> None:
    command = [sys.executable, "-m", "toque", "lineage", "crm.Contact.Lead_Score__c"]
    said = subprocess.run(
        command, cwd=example.folder, env=example.environment, capture_output=True, text=True, check=True
    )
    assert "warehouse.reference.event_weights.weight" in said.stdout
    kept = read(example.folder / ".toque")
    assert kept is not None
    assert followed(kept.steps) == (Path(__file__).parent / "lineage.txt").read_text()


def test_the_second_run_sends_nothing_and_after_changes_exactly_those(example: Project, first: First) -> None:
    again = demo(example)
    assert counts(again) == dict.fromkeys(counts(again), 0)
    assert "Nothing changed in the CRM." in again
    # Every task has run twice, and left what it left the first time; the contacts hold by now what the first run sent.
    assert [line.partition(":")[0] for line in differences(example.left(), first.left)] == ["raw.contact"]

    assert "100 changes, 10 deletes and 5 invalid records" in demo(example, "change")
    assert rounds.due(example.sandbox) == Due(100, 10, 5)
    after = demo(example)
    expected = {"sent": 110, "created": 0, "updated": 100, "deleted": 10, "rejected": 0, "quarantined": 5}
    assert counts(after) == expected
    assert "exactly what had changed in the sources" in after
    assert rounds.due(example.sandbox) == Due()
    left = example.left()
    assert len(left["marts.scores_to_sync"]) == LINKED - 10
    assert sorted(row[0] for row in left["raw.events__rejects"]) == sorted(
        row[0] for row in left["raw.events__rejects"]
    )


def test_what_must_not_get_through_halts_its_branch_and_slack_is_shown_the_rows(example: Project, first: First) -> None:
    demo(example, "break")
    before = example.left()
    ended = example.start("materialize", "warehouse.raw.users")
    assert ended.wait(PATIENCE_S) == 1
    assert differences(example.left(), before) == []
    told = slack.shown(slack.messages(example.sandbox / "slack.jsonl")[-1])
    assert "25 rows of 25 (100 %): plan is none of 'trial', 'team', 'business', 'enterprise'" in told
    assert '"plan":"platinum"' in told
    demo(example, "mend")


@pytest.mark.heavy  # a short form of what `make chaos` does
def test_whatever_is_killed_the_tables_and_the_crm_are_as_after_an_undisturbed_run(
    first: First, tmp_path: Path
) -> None:
    chaos = Disturbance(random.Random("gate"), usual_s=first.took_s * 0.6)
    with project(tmp_path / "revops") as disturbed:
        assert chaos.run(disturbed, 2) > 0
        assert chaos.failures == []
        assert differences(disturbed.left(), first.left) == []


def test_the_systems_end_when_they_are_told_to(tmp_path: Path) -> None:
    folder = tmp_path / "sandbox"
    systems = keeper.ensure(folder, keeper.ANY)
    try:
        assert keeper.ensure(folder, keeper.ANY) == systems == keeper.running(folder)
    finally:
        assert keeper.stop(folder)
    assert keeper.running(folder) is None
    assert not keeper.stop(folder)
    Product(folder, 0).forget()
    with pytest.raises(keeper.NotStarted, match="the product's data are gone, and the CRM's are not"):
        keeper.ensure(folder, keeper.ANY)
    keeper.forget(folder)
    assert not folder.exists()


@pytest.mark.parametrize("name", ["crm", "product", "slack"])
def test_a_port_that_is_taken_is_named(tmp_path: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = dataclasses.replace(keeper.ANY, **{name: port})
        with pytest.raises(keeper.NotStarted, match=rf"port {port}: .* REVOPS_{name.upper()}_PORT names another one"):
            keeper.ensure(tmp_path / "sandbox", ports)
