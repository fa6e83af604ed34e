select
    user_id,
    company_id,
    plan,
    signed_up_on
from {{ source('raw', 'users') }}
