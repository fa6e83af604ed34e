select
    "Id" as account_id,
    "Company_Id__c" as company_id,
    "Name" as account_name,
    "Industry" as industry,
    "Tier__c" as tier,
    cast("MRR__c" as integer) as mrr
from {{ source('raw', 'account') }}
where not "IsDeleted"
