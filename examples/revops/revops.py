"""Lead scores: from the CRM and the product through the warehouse and dbt, and back into the CRM.

    python demo.py            # both systems, a run of this, and what it changed
    python demo.py change     # records change in both; then run again

What the sources say comes as changes, each of which takes effect once; dbt makes scores of it; only scores that are
not yet in the CRM are sent.
"""

from __future__ import annotations

from toque import (
    Append,
    Cron,
    DbtProject,
    Merge,
    Postgres,
    Salesforce,
    Update,
    Warehouse,
    accepted_values,
    in_range,
    load,
    not_null,
    pipeline,
    row_count,
    sync,
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
