{# One row for each contact whose user is known, as the CRM gets it. Trials are told apart from customers; what depends
   on others, such as a rank, stays here: it would send half the CRM when one record changes. #}
with customers as (

    select
        *,
        case
            when lead_score >= 60 then 'Champion'
            when active_days >= 3 then 'Active'
            when active_days > 0 then 'At risk'
            else 'Dormant'
        end as segment
    from {{ ref('lead_scores') }}
    where plan <> 'trial'

),

trials as (

    select *, 'Trial' as segment
    from {{ ref('lead_scores') }}
    where plan = 'trial'

),

everybody as (

    select * from customers
    union all
    select * from trials

)

select
    user_id,
    lead_score,
    case
        when lead_score >= 60 then 'A'
        when lead_score >= 40 then 'B'
        when lead_score >= 20 then 'C'
        else 'D'
    end as lead_grade,
    segment,
    active_days,
    last_seen,
    account_name,
    rank() over (partition by account_id order by lead_score desc) as rank_in_account
from everybody
