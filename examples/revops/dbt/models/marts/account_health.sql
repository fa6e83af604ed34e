{# How each account fares, for the people who talk to it. #}
with ranked as (

    select
        s.*,
        l.account_id,
        row_number() over (partition by l.account_id order by s.lead_score desc, s.user_id) as place
    from {{ ref('scores_to_sync') }} as s
    inner join {{ ref('lead_scores') }} as l on l.user_id = s.user_id

)

select
    a.account_id,
    a.account_name,
    a.industry,
    a.tier,
    a.mrr,
    count(r.user_id) as users,
    count(r.user_id) filter (where r.active_days > 0) as active_users,
    round(avg(r.lead_score), 1) as mean_score,
    max(r.user_id) filter (where r.place = 1) as best_user,
    ntile(4) over (order by a.mrr desc, a.account_id) as mrr_quartile
from {{ ref('stg_accounts') }} as a
left join ranked as r on r.account_id = a.account_id
group by a.account_id, a.account_name, a.industry, a.tier, a.mrr
