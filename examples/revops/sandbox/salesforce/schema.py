"""The objects of the sandbox's organisation and their fields: what `describe` tells and validation goes by."""

from __future__ import annotations

from typing import Any

import msgspec

API_VERSION = "59.0"


class Field(msgspec.Struct, frozen=True):
    """One field, with the rules that reject a value of it."""

    name: str
    type: str = "string"
    length: int = 255
    required: bool = False
    external_id: bool = False
    """Indexed, and unique."""
    picklist: tuple[str, ...] = ()
    """A restricted picklist: nothing else is accepted."""
    low: float | None = None
    high: float | None = None
    """A validation rule: the value lies between `low` and `high`."""
    formula: str = ""
    """SQL over the record; read-only, and a change of it moves no stamp."""
    system: bool = False
    """Set by the organisation, never by a client."""
    refers_to: str = ""

    @property
    def is_writable(self) -> bool:
        """Whether a client may set it."""
        return not (self.system or self.formula)

    def describe(self) -> dict[str, Any]:
        """As the describe call tells it."""
        return {
            "name": self.name,
            "label": self.name.removesuffix("__c").replace("_", " "),
            "type": self.type,
            "length": self.length if self.type in TEXTS else 0,
            "nillable": not (self.required or self.system),
            "createable": self.is_writable,
            "updateable": self.is_writable,
            "externalId": self.external_id,
            "unique": self.external_id,
            "idLookup": self.external_id or self.name == "Id",
            "calculated": bool(self.formula),
            "custom": self.name.endswith("__c"),
            "restrictedPicklist": bool(self.picklist),
            "picklistValues": [{"value": value, "label": value, "active": True} for value in self.picklist],
            "referenceTo": [self.refers_to] if self.refers_to else [],
            "defaultedOnCreate": self.system or self.type == "boolean",
        }


TEXTS = frozenset({"string", "email", "phone", "textarea", "picklist", "url", "reference", "id"})

_SYSTEM = (
    Field("Id", "id", 18, system=True),
    Field("IsDeleted", "boolean", system=True),
    Field("CreatedDate", "datetime", system=True),
    Field("LastModifiedDate", "datetime", system=True),
    Field("SystemModstamp", "datetime", system=True),
)


class SObject(msgspec.Struct, frozen=True):
    """One type of record."""

    name: str
    prefix: str
    """The first three characters of its ids."""
    own: tuple[Field, ...]

    @property
    def fields(self) -> dict[str, Field]:
        """By name, system fields first."""
        return {field.name: field for field in (*_SYSTEM, *self.own)}

    def field(self, name: str) -> Field | None:
        """Names are not case-sensitive in Salesforce."""
        wanted = name.lower()
        return next((field for field in self.fields.values() if field.name.lower() == wanted), None)

    def describe(self) -> dict[str, Any]:
        """As the describe call tells it."""
        root = f"/services/data/v{API_VERSION}/sobjects/{self.name}"
        return {
            "name": self.name,
            "label": self.name,
            "keyPrefix": self.prefix,
            "queryable": True,
            "createable": True,
            "updateable": True,
            "deletable": True,
            "fields": [field.describe() for field in self.fields.values()],
            "urls": {"sobject": root, "describe": f"{root}/describe", "rowTemplate": root + "/{ID}"},
        }


OBJECTS = {
    each.name: each
    for each in (
        SObject(
            "Account",
            "001",
            (
                Field("Name", required=True),
                Field("Company_Id__c", length=40, external_id=True),
                Field("Industry", "picklist", picklist=("Technology", "Finance", "Retail", "Healthcare", "Energy")),
                Field("Tier__c", "picklist", picklist=("Free", "Team", "Business", "Enterprise")),
                Field("MRR__c", "currency", low=0),
                Field("Website", "url"),
            ),
        ),
        SObject(
            "Contact",
            "003",
            (
                Field("FirstName", length=40),
                Field("LastName", length=80, required=True),
                Field("Email", "email", 80),
                Field("Phone", "phone", 40),
                Field("Title", length=128),
                Field("Description", "textarea", 32_000),
                Field("AccountId", "reference", 18, refers_to="Account"),
                Field("Product_User_Id__c", length=40, external_id=True),
                Field("Lead_Score__c", "double", low=0, high=100),
                Field("Lead_Grade__c", "picklist", picklist=("A", "B", "C", "D")),
                Field("Segment__c", "picklist", picklist=("Champion", "Active", "At risk", "Dormant", "Trial")),
                Field("Last_Seen__c", "datetime"),
                Field("Trial_Ends__c", "date"),
                Field("Active_Days__c", "int", low=0),
                Field("HasOptedOutOfEmail", "boolean"),
                Field("Name", length=121, formula="trim(coalesce(FirstName, '') || ' ' || coalesce(LastName, ''))"),
                Field("Account_Tier__c", formula="(SELECT Tier__c FROM Account a WHERE a.Id = Contact.AccountId)"),
            ),
        ),
        SObject(
            "Opportunity",
            "006",
            (
                Field("Name", length=120, required=True),
                Field("AccountId", "reference", 18, refers_to="Account"),
                Field("StageName", "picklist", picklist=("Prospecting", "Proposal", "Closed Won", "Closed Lost")),
                Field("Amount", "currency", low=0),
                Field("CloseDate", "date", required=True),
                Field("Deal_Id__c", length=40, external_id=True),
            ),
        ),
        SObject(
            "Lead",
            "00Q",
            (
                Field("FirstName", length=40),
                Field("LastName", length=80, required=True),
                Field("Company", required=True),
                Field("Email", "email", 80),
                Field("Status", "picklist", picklist=("Open", "Working", "Qualified", "Unqualified")),
                Field("Signup_Id__c", length=40, external_id=True),
            ),
        ),
    )
}
