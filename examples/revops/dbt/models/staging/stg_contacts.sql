select
    "Id" as contact_id,
    "AccountId" as account_id,
    "Product_User_Id__c" as user_id,
    trim("Title") as title,
    lower("Email") as email
from {{ source('raw', 'contact') }}
where not "IsDeleted"
