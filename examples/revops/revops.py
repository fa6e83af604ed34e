"""Lead scores: from the CRM and the product through the warehouse and dbt, and back into the CRM.

    python demo.py            # both systems, a run of this, and what it changed
    python demo.py change     # records change in both; then run again

What the sources say comes as changes, each of which takes effect once; dbt makes scores of it; only scores that are
not yet in the CRM are sent.
"""

from __future__ import annotations

from typing import Any

from toque import (
    Append,
    Cron,
    DbtProject,
    Merge,
    Monthly,
    Partition,
    Postgres,
    Salesforce,
    Update,
    Warehouse,
    accepted_values,
    asset,
    in_range,
    load,
    not_null,
    pipeline,
    row_count,
    sync,
    use,
)

crm, app, warehouse = Salesforce("crm"), Postgres("app"), Warehouse("warehouse")

PLANS = ["trial", "team", "business", "enterprise"]
KINDS = ["login", "dashboard", "query", "export", "invite", "api_call"]

accounts = load(crm.changes("Account"), into=warehouse.table("raw.account"), mode=Merge("Id"))
contacts = load(crm.changes("Contact"), into=warehouse.table("raw.contact"), mode=Merge("Id"))
users = load(
    app.changes("public.users"),
    into=warehouse.table("raw.users"),
    mode=Merge("user_id"),
    # Nothing of a load that fails a check takes effect, and what builds on it waits.
    checks=[row_count(min=1_000), accepted_values("plan", PLANS)],
)
usage = load(
    app.changes("public.events"),
    into=warehouse.table("raw.events"),
    mode=Append("id"),
    # An old client sends nonsense at times: it is set aside, with the reason, and the rest goes on.
    checks=[
        not_null("user_id").quarantine(),
        accepted_values("kind", KINDS).quarantine(),
        in_range("seconds", min=0).quarantine(),
    ],
)

models = DbtProject("dbt", connection=warehouse)

scores = sync(
    warehouse.table("marts.scores_to_sync"),
    into=crm.object("Contact"),
    mode=Update("Product_User_Id__c"),
    fields={
        "user_id": "Product_User_Id__c",
        "lead_score": "Lead_Score__c",
        "lead_grade": "Lead_Grade__c",
        "segment": "Segment__c",
        "active_days": "Active_Days__c",
        "last_seen": "Last_Seen__c",
    },
    on_delete="delete",  # who closed the account in the product is forgotten in the CRM
    tolerate="2%",
)

revops = pipeline(
    "revops",
    assets=[accounts, contacts, users, usage, models, scores],
    schedule=Cron("*/15 * * * *"),
    owner="revops-team",
)

COHORT = """
SELECT u.plan, count(*) AS users, count(a.user_id) FILTER (WHERE a.active_days > 0) AS active_users,
       coalesce(sum(a.active_days), 0)::BIGINT AS active_days
FROM staging.stg_users AS u LEFT JOIN marts.user_activity AS a ON a.user_id = u.user_id
WHERE u.signed_up_on >= ? AND u.signed_up_on < ?
GROUP BY u.plan ORDER BY u.plan
"""


# Not part of the pipeline: months are made when somebody asks for them, by `toque materialize` or in the browser.
@asset(
    group="marts",
    io=warehouse.tables("marts"),
    partitions=Monthly("2024-05", end="2026-07"),
    reads=["warehouse.staging.stg_users", "warehouse.marts.user_activity"],
    columns=COHORT,
)
def cohorts(month: Partition = use(Partition), warehouse: Warehouse = use(warehouse)) -> list[dict[str, Any]]:
    """How many of those who signed up in a month use the product now."""
    return warehouse.read(COHORT, [month.start.date(), month.end.date()]).to_pylist()
