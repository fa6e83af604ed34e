"""The RevOps example as a newcomer runs it, from nothing, again and after changes; and then looks at it in the browser.

Its runs are long, so the tests build on each other, in this order: one preparation serves all of them.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from sandbox import keeper, rounds, slack
from sandbox.changes import changes
from sandbox.people import LINKED, world
from sandbox.rounds import Due
from tests.browser.conftest import BUILT, Zoo, chromium
from tests.browser.test_materializing import brush
from tests.chaos.revops import PATIENCE_S, Left, Project, differences, project
from tests.examples.revops.following import followed
from tests.examples.revops.verifying import LOADS, Verifying, nodes, pipeline_of, plant_an_insert
from toque.local.lineage import read
from toque.testing import NotIdempotent

pytestmark = pytest.mark.alone
LINEAGE = Path(__file__).parents[1] / "examples" / "revops" / "lineage.txt"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Without its schedule, which would come between the tests each quarter of an hour."""
    with project(tmp_path_factory.mktemp("revops") / "revops") as made:
        file = made.folder / "revops.py"
        file.write_text(file.read_text().replace('    schedule=Cron("*/15 * * * *"),\n', ""))
        assert "schedule=" not in file.read_text()
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


@pytest.fixture(scope="module")
def first(example: Project) -> First:
    """Undisturbed."""
    return First(demo(example), example.left())


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
    assert followed(kept.steps) == LINEAGE.read_text()


@pytest.fixture(scope="module")
def settled(example: Project, first: First) -> str:
    """A run without changes, then one after a round of them; what the last one said."""
    again = demo(example)
    assert counts(again) == dict.fromkeys(counts(again), 0)
    assert "Nothing changed in the CRM." in again
    # Every task has run twice, and left what it left the first time; the contacts hold by now what the first run sent.
    assert [line.partition(":")[0] for line in differences(example.left(), first.left)] == ["raw.contact"]
    assert "100 changes, 10 deletes and 5 invalid records" in demo(example, "change")
    assert rounds.due(example.sandbox) == Due(100, 10, 5)
    return demo(example)


def test_the_second_run_sends_nothing_and_after_changes_exactly_those(example: Project, settled: str) -> None:
    expected = {"sent": 110, "created": 0, "updated": 100, "deleted": 10, "rejected": 0, "quarantined": 5}
    assert counts(settled) == expected
    assert "exactly what had changed in the sources" in settled
    assert rounds.due(example.sandbox) == Due()
    left = example.left()
    assert len(left["marts.scores_to_sync"]) == LINKED - 10
    assert len(left["raw.events__rejects"]) == 5


@dataclass(frozen=True)
class Halted:
    """A load that a check did not let through."""

    code: int
    differences: list[str]
    told: str
    """To Slack."""


@pytest.fixture(scope="module")
def halted(example: Project, settled: str) -> Halted:
    """Of users on a plan that nobody knows; they are on theirs again afterwards."""
    demo(example, "break")
    before = example.left()
    code = example.start("materialize", "warehouse.raw.users").wait(PATIENCE_S)
    told = slack.shown(slack.messages(example.sandbox / "slack.jsonl")[-1])
    found = Halted(code, differences(example.left(), before), told)
    demo(example, "mend")
    return found


def test_what_must_not_get_through_halts_its_branch_and_slack_is_shown_the_rows(halted: Halted) -> None:
    assert halted.code == 1
    # What did not pass can be looked at beside the table.
    assert halted.differences == ["raw.users__staging is only on one side"]
    assert "25 rows of 25 (100 %): plan is none of 'trial', 'team', 'business', 'enterprise'" in halted.told
    assert '"plan":"platinum"' in halted.told


@pytest.fixture(scope="module")
def zoo(example: Project, halted: Halted) -> Iterator[Zoo]:
    """The example, served."""
    if not BUILT.is_file():
        pytest.fail("the UI is not built: make ui")
    served = Zoo(example.folder, example.systems.environment)
    try:
        served.start()
        yield served
    finally:
        served.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


def test_brushed_months_are_made_by_a_backfill(page: Page, zoo: Zoo) -> None:
    page.goto("/assets/warehouse.marts.cohorts")
    expect(page.get_by_text("27 missing")).to_be_visible()
    brush(page, 2, 0)
    expect(page).to_have_url(re.compile("partition=2024-05&until=2024-07"))
    page.get_by_role("button", name="Make 2024-05..2024-07").click()
    dialog = page.get_by_role("dialog", name="Materialize warehouse.marts.cohorts")
    dialog.get_by_role("button", name="Show what it would make").click()
    expect(dialog.get_by_text("It would start 3 runs.")).to_be_visible()
    dialog.get_by_role("button", name="Start 3 runs").click()
    row = page.get_by_role("listitem").filter(has=page.get_by_role("link", name="warehouse.marts.cohorts"))
    expect(row.get_by_text("3 of 3 slices started")).to_be_visible()
    expect(row.get_by_text("3 made")).to_be_visible()
    page.goto("/assets/warehouse.marts.cohorts?partition=2024-06")
    expect(page.get_by_text("24 missing")).to_be_visible()
    expect(page.get_by_text("3 made")).to_be_visible()


def cells(rows: Locator) -> list[dict[str, str]]:
    """A table, as it is read."""
    head = rows.get_by_role("columnheader").all_inner_texts()
    lines = [line.get_by_role("cell").all_inner_texts() for line in rows.get_by_role("row").all()]
    return [dict(zip(head, line, strict=True)) for line in lines if line]


def test_a_ticket_leads_to_the_rows_that_were_set_aside(page: Page, zoo: Zoo) -> None:
    page.goto("/")
    ticket = page.get_by_role("link", name=re.compile("^warehouse.raw.events fails"))
    ticket.first.click()
    expect(page).to_have_url(re.compile(r"/assets/warehouse\.raw\.events\?check="))
    shown = []
    for check in ("not_null(user_id)", "accepted_values(kind)", "in_range(seconds)"):
        head = page.get_by_role("button", name=re.compile(f"^{re.escape(check)}"))
        if head.get_attribute("aria-expanded") == "false":
            head.click()
        expect(head).to_have_attribute("aria-expanded", "true")
        shown += cells(page.get_by_role("region", name=f"Rows that fail {check}"))
        expect(page.get_by_text("set aside in raw.events__rejects")).to_be_visible()
    broken = changes(world(), 0).broken
    assert sorted((row["id"], row["kind"], row["seconds"]) for row in shown) == [
        (str(event.id), event.kind, str(event.seconds)) for event in broken
    ]
    assert {row["ip_address"] for row in shown} == {"***"}
    page.goto("/")
    page.get_by_role("link", name=re.compile(r"^warehouse.raw.users fails accepted_values\(plan\)")).click()
    expect(page.get_by_role("cell", name="platinum")).to_have_count(5)


def test_a_field_of_the_crm_is_followed_back_to_the_column_of_the_product(page: Page, zoo: Zoo) -> None:
    page.goto("/assets/crm.Contact")
    row = page.get_by_role("table", name="Columns").get_by_role("row", name=re.compile("^Last_Seen__c"))
    expect(row.get_by_role("link", name="warehouse.marts.scores_to_sync.last_seen")).to_be_visible()
    row.get_by_role("link", name="Last_Seen__c", exact=True).click()
    path = page.get_by_role("status").filter(has_text="crm.Contact.Last_Seen__c")
    expect(path).to_contain_text("8 columns in 8 tables")
    expect(path).to_contain_text("from app.public.events.happened_at")
    lit = page.get_by_test_id("graph").get_by_role("button", pressed=True)
    expect(lit).to_have_count(8)
    path.get_by_role("link", name="app.public.events.happened_at").click()
    expect(page.get_by_role("status").filter(has_text="app.public.events.happened_at")).to_be_visible()
    expect(lit.filter(has_text="Last_Seen__c")).to_have_count(2)  # the field, and the table that it is loaded into


def make(page: Page, asset: str, reach: str) -> None:
    """From its page, by one run, until it is made."""
    page.goto(f"/assets/{asset}")
    page.get_by_role("button", name="Materialize…").click()
    dialog = page.get_by_role("dialog", name=f"Materialize {asset}")
    dialog.get_by_label("Make").select_option(reach)
    dialog.get_by_role("button", name="Show what it would make").click()
    dialog.get_by_role("button", name="Start 1 run").click()
    done = page.locator("[data-meant=true]")
    expect(done.get_by_text("1 succeeded")).to_be_visible(timeout=PATIENCE_S * 1000)


def test_a_dry_run_predicts_what_the_sync_then_does(page: Page, example: Project, zoo: Zoo) -> None:
    rounds.change(example.sandbox)
    due = rounds.due(example.sandbox)
    make(page, "warehouse.marts.scores_to_sync", "this one and all that it is made from")
    page.goto("/syncs/crm.Contact")
    expect(page.get_by_text("110 sent: 100 updated, 10 deleted")).to_have_count(1)
    page.get_by_role("button", name="Dry run").click()
    dry = page.get_by_role("region", name="Dry run")
    expected = f"It would update {due.updated} records; delete {due.deleted} records."
    expect(dry.get_by_text(expected)).to_be_visible()
    expect(dry.get_by_role("region", name="Records to update").get_by_role("columnheader")).to_contain_text(
        ["Product_User_Id__c", "Lead_Score__c"]
    )
    make(page, "crm.Contact", "only this one")
    page.goto("/syncs/crm.Contact")
    report = f"{due.updated + due.deleted} sent: {due.updated} updated, {due.deleted} deleted"
    expect(page.get_by_text(report)).to_have_count(2)
    page.get_by_role("button", name="Dry run").click()
    expect(dry.get_by_text("It would send nothing")).to_be_visible()


def test_each_node_may_run_twice_and_an_insert_that_is_planted_in_a_model_is_found(example: Project, zoo: Zoo) -> None:
    rounds.change(example.sandbox)
    with pipeline_of(example) as revops:
        loads = Verifying(example, revops)
        for name in LOADS:
            loads(name)
    plant_an_insert(example)
    with pipeline_of(example) as revops:
        planted = Verifying(example, revops)
        with pytest.raises(NotIdempotent, match="dbt is not idempotent") as raised:
            planted("models")
        assert planted("scores")["sent"] == 110
        planted.cohort()
    # The line that was planted, and no other: of all other models the second build left what the first one did.
    table, line = raised.value.differences
    assert table.endswith("warehouse.duckdb: marts.builds: 1 rows, then 2")
    assert line == "  + ('user_activity',)"
    assert loads.verified | planted.verified == nodes(revops)


def test_connections_are_tried_and_say_what_is_wrong_when_nothing_answers(
    page: Page, example: Project, zoo: Zoo
) -> None:
    page.goto("/connections")

    def said(name: str) -> Locator:
        card = page.get_by_role("region", name=name, exact=True)
        card.get_by_role("button", name=f"Test {name}").click()
        return card.get_by_role("status")

    for name in ("crm", "app", "warehouse"):
        expect(said(name).locator("..").locator("[data-outcome=ok]")).to_be_visible()
    assert keeper.stop(example.sandbox)
    for name, url in (("crm", example.systems.crm_url), ("app", example.systems.product_url)):
        status = said(name)
        expect(status).to_have_attribute("data-outcome", "failed")
        expect(status).to_contain_text(re.compile(rf"{urlsplit(url).port}.*: Connection refused"))
